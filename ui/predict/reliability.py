"""Expected AUROC of a record by its known fields, and the unknown fields that would raise it most.

Computes the same values as :mod:`ml.core.reliability` in the API, from the curve that ``GET /model`` returns.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ui.clients.api_models import ReliabilityCurve
from ui.predict.fields import EARLIER_STAYS


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
    information = sum(curve.weights.get(name, 0.0) for name in known)
    return float(np.interp(information, curve.information, auroc))


def largest_gains(known: Collection[str], curve: ReliabilityCurve, limit: int = 4) -> list[Gain]:
    """The unknown fields that hold most information, largest share first."""
    unknown = [(name, weight) for name, weight in curve.weights.items() if name not in known and weight > 0]
    largest = sorted(unknown, key=lambda one: -one[1])[:limit]
    gains = ((name, weight, expected_auroc({*known, name}, curve)) for name, weight in largest)
    return [Gain(name, weight, auroc) for name, weight, auroc in gains if auroc is not None]
