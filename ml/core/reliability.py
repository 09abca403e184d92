"""Reliability of predictions for incomplete records: expected AUROC and range of the prediction.

:mod:`ml.evaluation.reliability_curve` measures the curve on the test patients at training; the bundle holds it.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from ml.schema import FEATURE_NAMES, HISTORY_NAMES, Record

EARLIER_STAYS: Final = HISTORY_NAMES[0]
"""Stands for the whole history, which is known exactly if this input is."""
UNITS: Final = (*FEATURE_NAMES, EARLIER_STAYS)
"""Units of information of an encounter: the 47 features, and the history as one."""

Shifts = tuple[tuple[tuple[float, ...], ...], ...]

_CERTAIN: Final = 1e-7
"""Probabilities are clipped to this distance from 0 and 1 before the logit."""


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Quality of a model as a function of the share of information that a record contains.

    Attributes:
        weights: share of the information in each of :data:`UNITS`; sums to 1.
        information: increasing grid of information shares, 0 to 1.
        auroc: expected AUROC on the grid, without and with history; non-decreasing.
        risk_edges: probabilities that separate low, middle and high predictions.
        low: logit shift to the lower end of the range, by history (without, with), grid point and risk level.
        high: likewise to the upper end.
        coverage: share of held-out test encounters whose complete-record prediction lies within the range.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", allow_inf_nan=False)

    weights: Mapping[str, float]
    information: tuple[float, ...]
    auroc: tuple[tuple[float, ...], tuple[float, ...]]
    risk_edges: tuple[float, ...]
    low: Shifts
    high: Shifts
    coverage: float

    def information_of(self, record: Record) -> float:
        """Share of the information that the record contains, 0 to 1."""
        weight = self.weights.get
        return min(sum([weight(name, 0.0) for name, value in record.items() if value is not None]), 1.0)

    def expected_auroc(self, record: Record) -> float:
        """AUROC of the model on test patients with the same share of information."""
        information, grid = self.information_of(record), self.information
        curve = self.auroc[record.get(EARLIER_STAYS) is not None]
        # Not np.interp: for one record its overhead is three times the work.
        right = min(max(bisect_right(grid, information), 1), len(grid) - 1)
        share = (information - grid[right - 1]) / (grid[right] - grid[right - 1])
        return curve[right - 1] + min(max(share, 0.0), 1.0) * (curve[right] - curve[right - 1])

    def ranges(self, records: Sequence[Record], probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """Range that contains 90 % of the predictions for the completed record, from predictions of shape ``(n,)``.

        Returns:
            Lower and upper ends, shape ``(n, 2)``; each range contains the prediction.
        """
        information = np.array([self.information_of(record) for record in records])
        with_history = np.array([record.get(EARLIER_STAYS) is not None for record in records])
        return self.ranges_of(information, with_history, probabilities)

    def information_of_batch(self, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Share of the information in each record, shape ``(n,)``; ``known`` has shape ``(n, len(UNITS))``."""
        weights = np.array([self.weights.get(name, 0.0) for name in UNITS], dtype=np.float64)
        information: NDArray[np.float64] = np.minimum(known @ weights, 1.0)
        return information

    def expected_aurocs(self, information: NDArray[np.float64], with_history: NDArray[np.bool_]) -> NDArray[np.float64]:
        """:meth:`expected_auroc` of records, from arrays of shape ``(n,)``."""
        without, with_ = (np.interp(information, self.information, curve) for curve in self.auroc)
        return np.where(with_history, with_, without)

    def ranges_of(
        self, information: NDArray[np.float64], with_history: NDArray[np.bool_], probabilities: NDArray[Any]
    ) -> NDArray[np.float64]:
        """:meth:`ranges` of records, from arrays of shape ``(n,)``."""
        predictions = np.asarray(probabilities, dtype=np.float64)
        low, high = self.shifts(information, with_history, np.searchsorted(self.risk_edges, predictions))
        clipped = np.clip(predictions, _CERTAIN, 1 - _CERTAIN)
        logits = np.log(clipped / (1 - clipped))
        ends = [1 / (1 + np.exp(-(logits + shift))) for shift in (low, high)]
        return np.stack([np.minimum(ends[0], predictions), np.maximum(ends[1], predictions)], axis=1)

    def shifts(
        self, information: NDArray[np.float64], with_history: NDArray[np.bool_], level: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logit shifts to the lower and the upper end of the range; all arrays have shape ``(n,)``.

        ``information`` is between 0 and 1; ``level`` is 0, 1 or 2 for a low, middle or high prediction.
        """
        rows = np.arange(len(information))
        ends = []
        for measured in (self.low, self.high):
            curves = np.moveaxis(np.array(measured), 1, -1)
            shifts = np.array([[np.interp(information, self.information, curve) for curve in part] for part in curves])
            ends.append(shifts[with_history.astype(np.int64), level, rows])
        return ends[0], ends[1]


def known_fields(record: Record) -> int:
    """Number of known features, at most 47."""
    return len([name for name in FEATURE_NAMES if record.get(name) is not None])
