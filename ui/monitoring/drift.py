"""What the last run of monitor_diabetes found: whether the model is asked about other patients than it learnt from.

Pure reading of the figures; :mod:`ui.monitoring.panels.drift` draws it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ml.schema import INPUTS
from ui.clients.errors import ServiceError
from ui.clients.prometheus import Sample
from ui.i18n.language import _
from ui.i18n.wording import label_of
from ui.monitoring.expressions import (
    DATABASE_UP,
    DRIFT_DISTANCE,
    DRIFT_STATE,
    DRIFT_THRESHOLD,
    RUN_PREDICTIONS,
    RUN_STATE,
    RUN_TIME,
)
from ui.monitoring.snapshot import Readings

_COLUMNS: Final = {column.name: column for column in INPUTS}


class State(StrEnum):
    """What is known of drift."""

    OK = "ok"
    DRIFT = "drift"
    NOT_ENOUGH_DATA = "not enough data"
    NO_RUN = "no run yet"
    DATABASE_AWAY = "database away"
    NOT_WATCHED = "not watched"


CODES: Final[Mapping[int, State]] = {0: State.OK, 1: State.DRIFT, -1: State.NOT_ENOUGH_DATA}
"""How the exporter writes what a run found."""


class Kind(StrEnum):
    """What a test compares."""

    VALUE = "value"
    KNOWN = "known"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test of the run found; a threshold of None cannot be reached with so few records."""

    kind: Kind
    feature: str
    state: State
    distance: float | None = None
    threshold: float | None = None

    @property
    def label(self) -> str:
        """The feature as a person knows it."""
        column = _COLUMNS.get(self.feature)
        return label_of(column) if column else _("Predicted risk")

    @property
    def nearness(self) -> float:
        """How far the distance is on the way to the threshold."""
        return (self.distance or 0) / self.threshold if self.threshold else 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """The last run, as far as it is known."""

    state: State
    at: float | None = None
    predictions: float | None = None
    tests: tuple[Finding, ...] = ()

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        """Tests of a kind, those that drift first, then by how near they are to it."""
        found = (test for test in self.tests if test.kind is kind)
        return tuple(sorted(found, key=lambda test: (test.state is not State.DRIFT, -test.nearness, test.feature)))

    @property
    def drifted(self) -> int:
        """How many tests say drift."""
        return sum(test.state is State.DRIFT for test in self.tests)


def run(readings: Readings) -> Run | ServiceError:
    """The last run; a fault where the state of it could not be read."""
    code, database = readings.figure(RUN_STATE), readings.figure(DATABASE_UP)
    if isinstance(code, ServiceError):
        return code
    if isinstance(database, ServiceError):
        return database
    state = state_of(code, database)
    if state in (State.NO_RUN, State.DATABASE_AWAY, State.NOT_WATCHED):
        return Run(state)
    tests = findings(*(_samples(readings.samples[one]) for one in (DRIFT_STATE, DRIFT_DISTANCE, DRIFT_THRESHOLD)))
    return Run(state, _known(readings.figure(RUN_TIME)), _known(readings.figure(RUN_PREDICTIONS)), tests)


def state_of(code: float | None, database: float | None) -> State:
    """The state, from what a run found and whether the exporter reads the database; None: Prometheus has neither."""
    if code is not None:
        return CODES.get(round(code), State.NOT_ENOUGH_DATA)
    if database is None:
        return State.NOT_WATCHED
    return State.NO_RUN if database else State.DATABASE_AWAY


def findings(
    states: Sequence[Sample], distances: Sequence[Sample], thresholds: Sequence[Sample]
) -> tuple[Finding, ...]:
    """The tests of a run; kinds that a later version adds are passed over."""
    far, limits = _by_test(distances), _by_test(thresholds)
    return tuple(
        Finding(Kind(kind), feature, CODES.get(round(code), State.NOT_ENOUGH_DATA), far.get(test), limits.get(test))
        for test, code in _by_test(states).items()
        for kind, feature in [test]
        if kind in set(Kind)
    )


def _by_test(samples: Sequence[Sample]) -> dict[tuple[str, str], float]:
    return {(one.labels.get("kind", ""), one.labels.get("feature", "")): one.value for one in samples}


def _samples(answer: tuple[Sample, ...] | ServiceError) -> tuple[Sample, ...]:
    return () if isinstance(answer, ServiceError) else answer


def _known(figure: float | ServiceError | None) -> float | None:
    return None if isinstance(figure, ServiceError) else figure
