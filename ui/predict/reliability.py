"""What the known fields of a record are worth: information, expected AUROC, and the most useful unknown fields.

Computes the same values as :mod:`ml.core.reliability` in the API, from the curve that ``GET /model`` returns.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np

from ui.clients.api_models import ReliabilityCurve
from ui.predict.fields import EARLIER_STAYS

MIN_INFORMATION_FOR_RANK: Final = 0.2
"""Share of the information from which a risk is ranked. Measured on genuine test encounters whose fields were hidden at
random, against the rank with all fields: below a tenth the mean error of the rank is 25 percentiles, that of always
naming the middle; from a fifth to three tenths it is 20 percentiles, and the band is right in 56 %, while always naming
the lower half is right in 50 %. ``tests/integration/ui/test_genuine_figures.py`` measures it again."""
MIN_WEIGHT: Final = 0.005
"""Share of the information below which a field is not worth naming: it would be shown as 0 %."""


class Gain(NamedTuple):
    """An unknown field: its share of the information, and the expected AUROC if it were known as well."""

    field: str
    weight: float
    auroc: float


def expected_auroc(known: Collection[str], curve: ReliabilityCurve) -> float | None:
    """Expected AUROC when these fields are known; None if the model has no curve."""
    auroc = curve.auroc_with_history if EARLIER_STAYS in known else curve.auroc_without_history
    if len(auroc) < 2 or len(auroc) != len(curve.information):
        return None
    return float(np.interp(information(known, curve), curve.information, auroc))


def information(known: Collection[str], curve: ReliabilityCurve) -> float:
    """Share of the information, 0 to 1, that these fields hold."""
    return min(sum(curve.weights.get(name, 0.0) for name in known), 1.0)


def largest_gains(known: Collection[str], curve: ReliabilityCurve, limit: int = 4) -> list[Gain]:
    """The unknown fields that hold most information, largest share first."""
    unknown = [(name, weight) for name, weight in curve.weights.items() if name not in known and weight >= MIN_WEIGHT]
    largest = sorted(unknown, key=lambda one: -one[1])[:limit]
    gains = ((name, weight, expected_auroc({*known, name}, curve)) for name, weight in largest)
    return [Gain(name, weight, auroc) for name, weight, auroc in gains if auroc is not None]
