"""What an answer is worth by how much was known, and which further fields would be worth most. Pure figures.

The same reckoning as the API's: each known field adds its weight to the information, and the model's curve says what
AUROC to expect with so much of it.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from ml.schema import HISTORY_NAMES
from ui.clients.api_models import ReliabilityCurve

EARLIER_STAYS: Final = HISTORY_NAMES[0]
"""Stands for all that is known of a patient's earlier stays."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A field that is not known yet: its share of all information, and the AUROC to expect if it were known too."""

    field: str
    weight: float
    auroc: float


def expected_auroc(known: Collection[str], completeness: ReliabilityCurve) -> float | None:
    """AUROC to expect when these fields are known; None if the model brings no curve."""
    has_history = EARLIER_STAYS in known
    curve = completeness.auroc_with_history if has_history else completeness.auroc_without_history
    if len(curve) < 2 or len(curve) != len(completeness.information):
        return None
    information = sum(completeness.weights.get(name, 0.0) for name in known)
    return _between(min(information, 1.0), completeness.information, curve)


def most_telling(known: Collection[str], completeness: ReliabilityCurve, most: int = 4) -> list[Gain]:
    """The fields not known yet that hold most information, the most telling first."""
    unknown = [(name, weight) for name, weight in completeness.weights.items() if name not in known and weight > 0]
    largest = sorted(unknown, key=lambda one: -one[1])[:most]
    gains = ((name, weight, expected_auroc({*known, name}, completeness)) for name, weight in largest)
    return [Gain(name, weight, auroc) for name, weight, auroc in gains if auroc is not None]


def _between(place: float, places: Sequence[float], values: Sequence[float]) -> float:
    """The value at a place, on the line between its neighbours among rising places."""
    after = min(max(bisect_right(places, place), 1), len(places) - 1)
    start, end = places[after - 1], places[after]
    share = min(max((place - start) / (end - start), 0.0), 1.0)
    return values[after - 1] + share * (values[after] - values[after - 1])
