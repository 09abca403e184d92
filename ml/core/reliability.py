"""How much a record tells, and what that makes of the answer. Light: numpy and the schema, so that the API has it.

The figures come with the bundle; :mod:`ml.evaluation.reliability_curve` measured them on the test patients when it was
made.
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
"""Stands for the history of a patient as a whole: it is known if this is."""
UNITS: Final = (*FEATURE_NAMES, EARLIER_STAYS)
"""What may be known of an encounter: the 47 features, and the history as one."""

Shifts = tuple[tuple[tuple[float, ...], ...], ...]

_CERTAIN: Final = 1e-7
"""Answers nearer to 0 or 1 are taken for this near, so that they have a logit."""


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """What was measured of a model at different degrees of knowledge.

    Attributes:
        weights: share of the information that each of :data:`UNITS` holds; they add up to 1.
        information: rising degrees of information, 0 to 1, at which the next figures stand.
        auroc: expected AUROC at these degrees, first without, then with the patient's history; never falls.
        risk_edges: probabilities that part low, middle and high answers.
        low: without and with history, for each degree and each of the three, what to add to the logit for the lower
            end of the range.
        high: likewise for the upper end.
        coverage: share of test encounters, other than those the range was measured on, that it held for.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    weights: Mapping[str, float]
    information: tuple[float, ...]
    auroc: tuple[tuple[float, ...], tuple[float, ...]]
    risk_edges: tuple[float, ...]
    low: Shifts
    high: Shifts
    coverage: float

    def information_of(self, record: Record) -> float:
        """Share of the information that the record holds, 0 to 1."""
        weight = self.weights.get
        return min(sum([weight(name, 0.0) for name, value in record.items() if value is not None]), 1.0)

    def expected_auroc(self, record: Record) -> float:
        """AUROC that the model had on test patients of whom it knew as much."""
        # One record at a time: for the few of an ordinary request, starting numpy takes longer than all of this.
        curve = self.auroc[record.get(EARLIER_STAYS) is not None]
        return _between(self.information_of(record), self.information, curve)

    def ranges(self, records: Sequence[Record], probabilities: NDArray[Any]) -> NDArray[np.float64]:
        """For each record the range in which 90 % of the answers lie that knowing everything would give.

        Args:
            records: as they were predicted.
            probabilities: their answers, shape ``(n,)``.

        Returns:
            Lower and upper ends, shape ``(n, 2)``; each holds the answer itself.
        """
        answers = np.asarray(probabilities, dtype=np.float64)
        low, high = self.shifts(*self._knowledge(records), np.searchsorted(self.risk_edges, answers))
        bounded = np.clip(answers, _CERTAIN, 1 - _CERTAIN)
        logits = np.log(bounded / (1 - bounded))
        ends = [1 / (1 + np.exp(-(logits + shift))) for shift in (low, high)]
        return np.stack([np.minimum(ends[0], answers), np.maximum(ends[1], answers)], axis=1)

    def shifts(
        self, information: NDArray[np.float64], with_history: NDArray[np.bool_], level: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What to add to the logits for the lower and the upper end of the range; all of shape ``(n,)``.

        Args:
            information: degrees, 0 to 1.
            with_history: whether the history is known.
            level: 0, 1 or 2 for a low, middle or high answer.
        """
        rows = np.arange(len(information))
        ends = []
        for measured in (self.low, self.high):
            curves = np.moveaxis(np.array(measured), 1, -1)
            found = np.array([[np.interp(information, self.information, curve) for curve in part] for part in curves])
            ends.append(found[with_history.astype(np.int64), level, rows])
        return ends[0], ends[1]

    def _knowledge(self, records: Sequence[Record]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Degree of information of each record, and whether it holds the history; each shape ``(n,)``."""
        information = np.array([self.information_of(record) for record in records])
        return information, np.array([record.get(EARLIER_STAYS) is not None for record in records])


def known_fields(record: Record) -> int:
    """How many of the 47 features the record holds."""
    return len([name for name in FEATURE_NAMES if record.get(name) is not None])


def _between(place: float, places: Sequence[float], values: Sequence[float]) -> float:
    """The value at a place, on the line between its neighbours among rising places."""
    after = min(max(bisect_right(places, place), 1), len(places) - 1)
    start, end = places[after - 1], places[after]
    share = min(max((place - start) / (end - start), 0.0), 1.0)
    return values[after - 1] + share * (values[after] - values[after - 1])
