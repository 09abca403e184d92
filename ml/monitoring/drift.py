"""Whether a window differs from its reference by more than chance: statistics alone, nothing read or written.

Each test compares how the window and the reference fill the same bins. What distance chance shows at these sizes is
drawn, not looked up: both samples again and again from the reference. Stays of one patient are alike, so a sample
counts for as many records as would tell as much if they were of strangers. All tests of a run share one error rate
(Holm), so that a run without drift stays silent in 95 of 100 cases, however many features there are.
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

FALSE_ALARMS: Final = 0.05
"""Share of the runs without any drift that may report some."""
FEWEST: Final = 100
"""Records below which, on either side, nothing is said."""
MINIMUM: Final = 0.05
"""Distance below which a difference is of no interest, however sure it is: about what it takes when half a percent
of the records hold a value never seen before, or when a share of 50 % becomes one of 56 %."""
DRAWS: Final = 20_000
"""The smallest p-value is one over these: of 95 tests the first has to come below 0.05 / 95."""
_SEED: Final = 296


class State(StrEnum):
    """What is known of a feature, or of a whole run."""

    OK = "ok"
    DRIFT = "drift"
    NOT_ENOUGH_DATA = "not_enough_data"


class Kind(StrEnum):
    """What a test compares."""

    VALUE = "value"  # how known values of a feature are distributed
    KNOWN = "known"  # how often the feature is given at all
    SCORE = "score"  # how the model's answers are distributed


@dataclass(frozen=True, slots=True)
class Comparison:
    """How often each bin occurs in the window and in the reference; both of shape ``(len(bins),)``.

    The weights say what a record is worth beside one of a stranger; see :func:`independence`.
    """

    kind: Kind
    feature: str
    bins: tuple[str, ...]
    window: Counts
    reference: Counts
    window_weight: float = 1.0
    reference_weight: float = 1.0

    @classmethod
    def of_too_few(cls, kind: Kind, feature: str, records: int) -> "Comparison":
        """One that is not worth making."""
        return cls(kind, feature, ("any",), np.array([records]), np.zeros(1, np.int64))

    @property
    def records(self) -> int:
        """Records of the window that the comparison is of."""
        return int(self.window.sum())

    @property
    def by_chance(self) -> Values:
        """Distances that chance alone shows between two such samples; see :func:`chance`."""
        window, reference = self.records * self.window_weight, self.reference.sum() * self.reference_weight
        return chance(self.reference, _two_digits(window), _two_digits(reference))

    @property
    def is_possible(self) -> bool:
        """Whether both sides hold enough records."""
        return min(self.records, int(self.reference.sum())) >= FEWEST


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of a test; ``distance``, ``threshold`` and ``p_value`` are None where there is not enough data.

    It is drift from ``threshold`` on. ``p_value`` is the test's own, before the correction for the others.
    """

    kind: Kind
    feature: str
    state: State
    records: int
    distance: float | None = None
    threshold: float | None = None
    p_value: float | None = None


def judge(comparisons: Sequence[Comparison]) -> list[Finding]:
    """Decide on all tests of a run together, in their order."""
    possible = [one for one in comparisons if one.is_possible]
    distances = [float(distance(one.window, one.reference)) for one in possible]
    by_chance = [one.by_chance for one in possible]
    p_values = [_p_value(found, null) for found, null in zip(distances, by_chance, strict=True)]
    level = holm_level(p_values)
    decided = {
        (one.kind, one.feature): _decide(one, found, p_value, _threshold(null, level))
        for one, found, p_value, null in zip(possible, distances, p_values, by_chance, strict=True)
    }
    return [
        decided.get((one.kind, one.feature), Finding(one.kind, one.feature, State.NOT_ENOUGH_DATA, one.records))
        for one in comparisons
    ]


def overall(states: Iterable[State]) -> State:
    """The state of a run: drift if there is any, else ok if anything could be compared."""
    found = set(states)
    return next((state for state in (State.DRIFT, State.OK) if state in found), State.NOT_ENOUGH_DATA)


def distance(one: Counts, other: Counts) -> Values:
    """Jensen-Shannon distance between shares, along the last axis: 0 for the same, 1 for nothing in common."""
    with np.errstate(invalid="ignore"):  # rounding may take the root of a little less than nothing
        return np.asarray(np.nan_to_num(jensenshannon(one, other, base=2, axis=-1)), dtype=np.float64)


def independence(patients: NDArray[Any]) -> float:
    """What a record of these patients is worth beside one of a stranger, from 1 (nobody twice) down to 0.

    Kish's effective sample size over the size, as if a patient's stays were all the same: for some fields they are.
    """
    sizes = np.unique(patients, return_counts=True)[1]
    return float(sizes.sum() / np.square(sizes).sum()) if len(sizes) else 1.0


def chance(reference: Counts, records: int, size: int) -> Values:
    """Distances that chance alone shows between two samples of the reference.

    Args:
        reference: counts by bin, shape ``(bins,)``; only their shares matter.
        records: size of the sample that stands for the window.
        size: of the sample that stands for the reference.

    Returns:
        Ascending, shape ``(DRAWS,)``; the same for the same arguments.
    """
    return _chance(tuple(reference[reference > 0].tolist()), records, size)


@lru_cache(maxsize=512)
def _chance(reference: tuple[int, ...], records: int, size: int) -> Values:
    generator = np.random.default_rng(_SEED)
    shares = np.array(reference) / sum(reference)
    windows, references = (generator.multinomial(count, shares, DRAWS) for count in (records, size))
    return np.sort(distance(windows, references))


def holm_level(p_values: Sequence[float]) -> float:
    """The level that tests have to reach, by Holm's procedure over all of them: drift is where ``p <= level``."""
    tests, rejected = len(p_values), 0
    for p_value in sorted(p_values):
        if p_value > FALSE_ALARMS / (tests - rejected):
            break
        rejected += 1
    return FALSE_ALARMS / max(tests - rejected, 1)


def _two_digits(size: float) -> int:
    """Rounded down to them, on the safe side: tests of about a size share what was drawn."""
    step = int(10 ** max(0, len(str(int(size))) - 2))
    return max(1, int(size) // step * step)


def _p_value(found: float, by_chance: Values) -> float:
    as_far = len(by_chance) - np.searchsorted(by_chance, found, side="left")
    return float((1 + as_far) / (1 + len(by_chance)))


def _threshold(by_chance: Values, level: float) -> float:
    """Smallest distance with a p-value within the level, and not below what is of interest."""
    allowed = int(level * (1 + len(by_chance))) - 1
    if allowed < 0:
        return float("inf")
    return max(MINIMUM, float(np.nextafter(by_chance[len(by_chance) - 1 - allowed], np.inf)))


def _decide(one: Comparison, found: float, p_value: float, threshold: float) -> Finding:
    state = State.DRIFT if found >= threshold else State.OK
    return Finding(one.kind, one.feature, state, one.records, found, threshold, p_value)
