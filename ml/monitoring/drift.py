"""Drift tests: compares a window with its reference by binned counts; computes only, reads and writes nothing.

The test statistic and effect size is the Jensen-Shannon distance. Its null distribution is simulated by drawing both
samples from the reference; sample sizes are reduced to the effective size, because stays of one patient are correlated.
Holm's procedure controls the error rate over all tests of a run: a run without drift reports none in 95 % of cases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

FALSE_ALARM_RATE: Final = 0.05
"""Family-wise error rate of a run."""
MIN_RECORDS: Final = 100
"""A test needs this many records on both sides."""
MIN_DISTANCE: Final = 0.05
"""Smaller distances are not reported, however significant. Half a percent of records with a new value, or a share that
moves from 50 % to 56 %, is about this far."""
DRAWS: Final = 20_000
"""The smallest p-value is 1 / DRAWS; the first of 95 tests has to fall below 0.05 / 95."""
_SEED: Final = 296


class State(StrEnum):
    """Outcome of a test or of a run."""

    OK = "ok"
    DRIFT = "drift"
    NOT_ENOUGH_DATA = "not_enough_data"


class Kind(StrEnum):
    """What a test compares."""

    VALUE = "value"  # distribution of the known values of a feature
    KNOWN = "known"  # share of records in which the feature is known
    SCORE = "score"  # distribution of predicted probabilities


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts by bin of a window and of its reference, both of shape ``(len(bins),)``.

    A weight is the effective sample size over the number of records; see :func:`effective_share`.
    """

    kind: Kind
    feature: str
    bins: tuple[str, ...]
    window: Counts
    reference: Counts
    window_weight: float = 1.0
    reference_weight: float = 1.0

    @classmethod
    def untestable(cls, kind: Kind, feature: str, records: int) -> "Comparison":
        """A placeholder for a window with too few records; its reference is empty."""
        return cls(kind, feature, ("any",), np.array([records]), np.zeros(1, np.int64))

    @property
    def records(self) -> int:
        """Number of compared records of the window."""
        return int(self.window.sum())

    @property
    def is_testable(self) -> bool:
        """Whether both sides hold :data:`MIN_RECORDS`."""
        return min(self.records, int(self.reference.sum())) >= MIN_RECORDS

    def null_distances(self) -> Values:
        """Null distribution of the distance at the effective sizes of both sides."""
        shares = tuple(self.reference[self.reference > 0].tolist())
        sizes = self.records * self.window_weight, self.reference.sum() * self.reference_weight
        return null_distances(shares, *map(_two_digits, sizes))


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of a test; ``distance``, ``threshold`` and ``p_value`` are None without enough data.

    The state is drift where ``distance >= threshold``. ``p_value`` is not corrected for multiple testing.
    """

    kind: Kind
    feature: str
    state: State
    records: int
    distance: float | None = None
    threshold: float | None = None
    p_value: float | None = None


def run_tests(comparisons: Sequence[Comparison]) -> list[Finding]:
    """Test all comparisons of a run together; findings are in the same order."""
    testable = [one for one in comparisons if one.is_testable]
    nulls = [one.null_distances() for one in testable]
    distances = [float(distance(one.window, one.reference)) for one in testable]
    p_values = [_p_value(observed, null) for observed, null in zip(distances, nulls, strict=True)]
    level = holm_level(p_values)
    results = {}
    for one, null, observed, p_value in zip(testable, nulls, distances, p_values, strict=True):
        threshold = _threshold(null, level)
        state = State.DRIFT if observed >= threshold else State.OK
        results[one.kind, one.feature] = Finding(
            one.kind, one.feature, state, one.records, observed, threshold, p_value
        )
    return [
        results.get((one.kind, one.feature), Finding(one.kind, one.feature, State.NOT_ENOUGH_DATA, one.records))
        for one in comparisons
    ]


def overall_state(states: Iterable[State]) -> State:
    """State of a run: drift if any test found drift, else ok if any test was possible."""
    found = set(states)
    return next((state for state in (State.DRIFT, State.OK) if state in found), State.NOT_ENOUGH_DATA)


def distance(one: Counts, other: Counts) -> Values:
    """Jensen-Shannon distance between shares along the last axis: 0 for equal shares, 1 for disjoint bins."""
    with np.errstate(invalid="ignore"):  # rounding can give the root of a tiny negative number
        return np.asarray(np.nan_to_num(jensenshannon(one, other, base=2, axis=-1)), dtype=np.float64)


def effective_share(patients: NDArray[Any]) -> float:
    """Kish's effective sample size over the sample size, for records grouped by patient: 1 without repeats.

    Assumes that all stays of a patient are equal, which is the worst case.
    """
    sizes = np.unique(patients, return_counts=True)[1]
    return float(sizes.sum() / np.square(sizes).sum()) if len(sizes) else 1.0


@lru_cache(maxsize=512)
def null_distances(reference: tuple[int, ...], window_size: int, reference_size: int) -> Values:
    """Distances between two random samples of the reference counts: ascending, shape ``(DRAWS,)``, deterministic."""
    generator = np.random.default_rng(_SEED)
    shares = np.array(reference) / sum(reference)
    windows, references = (generator.multinomial(size, shares, DRAWS) for size in (window_size, reference_size))
    return np.sort(distance(windows, references))


def holm_level(p_values: Sequence[float]) -> float:
    """Common significance level by Holm's procedure: a test is significant if ``p <= level``."""
    tests, rejected = len(p_values), 0
    for p_value in sorted(p_values):
        if p_value > FALSE_ALARM_RATE / (tests - rejected):
            break
        rejected += 1
    return FALSE_ALARM_RATE / max(tests - rejected, 1)


def _two_digits(size: float) -> int:
    """Round down to two significant digits, so that tests of similar size share a cached null distribution."""
    step = int(10 ** max(0, len(str(int(size))) - 2))
    return max(1, int(size) // step * step)


def _p_value(observed: float, null: Values) -> float:
    as_far = len(null) - np.searchsorted(null, observed, side="left")
    return float((1 + as_far) / (1 + len(null)))


def _threshold(null: Values, level: float) -> float:
    """Smallest distance with a p-value within the level, and at least :data:`MIN_DISTANCE`."""
    allowed = int(level * (1 + len(null))) - 1
    if allowed < 0:
        return float("inf")
    return max(MIN_DISTANCE, float(np.nextafter(null[len(null) - 1 - allowed], np.inf)))
