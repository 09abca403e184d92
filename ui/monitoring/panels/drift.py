"""Drift panels: the result of the last run of monitor_diabetes, and its tests feature by feature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import streamlit as st

from ml.schema import INPUTS
from ui import chart_specs, health
from ui.chart_specs import Bar, BarTitles
from ui.charts import palette
from ui.clients.errors import Service, ServiceError
from ui.clients.prometheus import Sample
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import label_of
from ui.monitoring import queries
from ui.monitoring.format import at, value
from ui.monitoring.panels.panel import Panel, draw_chart, draw_error
from ui.monitoring.snapshot import Snapshot

DASHBOARD: Final = "field"
MAX_BARS: Final = 8
"""Bars of a chart; the table has all tests."""

_COLUMNS: Final = {column.name: column for column in INPUTS}


class DriftState(StrEnum):
    """Result of a run or of a test, or why there is none."""

    OK = "ok"
    DRIFT = "drift"
    NOT_ENOUGH_DATA = "not enough data"
    NO_RUN = "no run yet"
    DATABASE_DOWN = "database down"
    NO_EXPORTER = "no exporter"


CODES: Final[Mapping[int, DriftState]] = {0: DriftState.OK, 1: DriftState.DRIFT, -1: DriftState.NOT_ENOUGH_DATA}
"""The exporter's codes."""


KINDS: Final = ("value", "known", "score")
"""Kinds of tests: on the values of a feature, on how often it is known, on the predicted risks."""


@dataclass(frozen=True, slots=True)
class DriftTest:
    """A test of the run; the threshold is None if no distance can reach it with so few records."""

    kind: str
    feature: str
    state: DriftState
    distance: float | None = None
    threshold: float | None = None

    @property
    def label(self) -> str:
        """The feature's label."""
        column = _COLUMNS.get(self.feature)
        return label_of(column) if column else _("Predicted risk")

    @property
    def ratio(self) -> float:
        """Distance divided by the threshold."""
        return (self.distance or 0) / self.threshold if self.threshold else 0.0


def draw(snapshot: Snapshot) -> None:
    """The state of the last run, then its tests by kind."""
    st.subheader(_("Drift"))
    state = run_state(snapshot)
    if isinstance(state, ServiceError):
        draw_error(state)
        return
    results = [snapshot.samples[one] for one in (queries.DRIFT_STATE, queries.DRIFT_DISTANCE, queries.DRIFT_THRESHOLD)]
    tests = drift_tests(*(() if isinstance(one, ServiceError) else one for one in results))
    _state(state, tests)
    if state not in CODES.values():
        return
    ran_at = _run(snapshot)
    if not ran_at and not tests:
        return
    for result in results:
        if isinstance(result, ServiceError):
            draw_error(result)
            return
    unit = _("Jensen-Shannon distance, from 0 (the same) to 1 (nothing in common)")
    sections = {
        "value": (_("Values of features"), _("Known values, compared with the training data.")),
        "known": (_("How often features are given"), _("Share of known values, compared with the training data.")),
        "score": (_("Predicted risk of the window"), _("Without load tests, compared with the test patients.")),
    }
    for place, (kind, (title, text)) in zip((*st.columns(2), st.container()), sections.items(), strict=True):
        panel = Panel(title, unit, queries.DRIFT_DISTANCE.metric, DASHBOARD, alerts=("DriftDetected",))
        with place, panel.frame(snapshot):
            st.markdown(text)
            _tests(of_kind(tests, kind))


def run_state(snapshot: Snapshot) -> DriftState | ServiceError:
    """The result of the last run, or why there is none."""
    code, database = snapshot.value(queries.RUN_STATE), snapshot.value(queries.DATABASE_UP)
    if isinstance(code, ServiceError):
        return code
    if isinstance(database, ServiceError):
        return database
    return state_of(code, database)


def state_of(code: float | None, database_up: float | None) -> DriftState:
    """The state by the run's code and whether the exporter reads the database; None: Prometheus has no value."""
    if code is not None:
        return CODES.get(round(code), DriftState.NOT_ENOUGH_DATA)
    if database_up is None:
        return DriftState.NO_EXPORTER
    return DriftState.NO_RUN if database_up else DriftState.DATABASE_DOWN


def drift_tests(
    states: Sequence[Sample], distances: Sequence[Sample], thresholds: Sequence[Sample]
) -> tuple[DriftTest, ...]:
    """The tests of a run; kinds that a later version may add are left out."""

    def by_test(samples: Sequence[Sample]) -> dict[tuple[str, str], float]:
        return {(one.labels.get("kind", ""), one.labels.get("feature", "")): one.value for one in samples}

    distance, threshold = by_test(distances), by_test(thresholds)
    return tuple(
        DriftTest(*test, CODES.get(round(code), DriftState.NOT_ENOUGH_DATA), distance.get(test), threshold.get(test))
        for test, code in by_test(states).items()
        if test[0] in KINDS
    )


def of_kind(tests: Sequence[DriftTest], kind: str) -> list[DriftTest]:
    """Tests of a kind: drifted ones first, then by distance relative to the threshold."""
    return sorted(
        (test for test in tests if test.kind == kind),
        key=lambda test: (test.state is not DriftState.DRIFT, -test.ratio, test.feature),
    )


def _state(state: DriftState, tests: Sequence[DriftTest]) -> None:
    drifted = sum(test.state is DriftState.DRIFT for test in tests)
    count = counted("{number} of {all} tests shows it.", "{number} of {all} tests show it.", drifted)
    count = count.format(all=decimal(len(tests), 0))
    airflow = health.linked(Service.AIRFLOW, "Airflow", "/dags/monitor_diabetes")
    drift = _("**Drift.** The patients of the predictions differ from those of the training data.")
    no_run = _("**monitor_diabetes has not run yet.** Switch it on and trigger it in {airflow}.")
    text = {
        DriftState.OK: _("**No drift.** The patients of the predictions are similar to those of the training data."),
        DriftState.DRIFT: f"{drift} {count}",
        DriftState.NOT_ENOUGH_DATA: _("**Not enough data.** The window of the run holds too few predictions."),
        DriftState.NO_RUN: no_run.format(airflow=airflow),
        DriftState.DATABASE_DOWN: _("The diabetes database does not answer the exporter: drift is not known."),
        DriftState.NO_EXPORTER: _("Prometheus has no data from the exporter, which reads the runs' results: start it."),
    }[state]
    if state is DriftState.OK:
        st.success(text, icon=":material/check_circle:")
    elif state in (DriftState.DRIFT, DriftState.DATABASE_DOWN):
        st.warning(text, icon=":material/warning:")
    else:
        st.info(text, icon=":material/hourglass_empty:")


def _run(snapshot: Snapshot) -> bool:
    """Draw when the run ended and what it covered; False if that is not known."""
    ran_at, predictions = snapshot.value(queries.RUN_TIME), snapshot.value(queries.RUN_PREDICTIONS)
    if ran_at is None or isinstance(ran_at, ServiceError):
        return False
    if predictions is None or isinstance(predictions, ServiceError):
        st.markdown(_("Result of the run of {moment}.").format(moment=at(ran_at)))
    else:
        text = _("Result of the run of {moment} on {predictions}, without load tests.")
        number = counted("{number} prediction", "{number} predictions", round(predictions))
        st.markdown(text.format(moment=at(ran_at), predictions=number))
    return True


def _tests(tests: Sequence[DriftTest]) -> None:
    measured = [test for test in tests if test.distance is not None]
    if not measured:
        st.info(_("Too few records to compare."), icon=":material/hourglass_empty:")
        return
    words = summary(tests)
    st.markdown(f"**{words}**")
    bars = [Bar(test.label, test.distance or 0, test.threshold) for test in measured[:MAX_BARS]]
    titles = BarTitles(_("Feature"), _("Distance"), _("Distance"), _("Drift threshold"))
    alternative = _("Distance from the training data, and the threshold of drift. {words}").format(words=words)
    draw_chart(chart_specs.bars(bars, titles, palette(), ".3f", is_horizontal=True), alternative, table(tests))
    if len(measured) > MAX_BARS:
        text = _("The chart shows the {number} with the largest distance as a multiple of their threshold.")
        st.markdown(f":small[{text.format(number=MAX_BARS)}]")


def summary(tests: Sequence[DriftTest]) -> str:
    """The drifted tests in words, with distance and threshold."""
    each = _("{label}: {distance}, drift from {threshold} on")
    drifted = [
        each.format(label=test.label, distance=value(test.distance), threshold=value(test.threshold))
        for test in tests
        if test.state is DriftState.DRIFT
    ]
    if not drifted:
        return _("None differs by more than chance.")
    return _("These differ: {features}.").format(features="; ".join(drifted))


def table(tests: Sequence[DriftTest]) -> dict[str, list[str]]:
    """All tests of a kind."""
    states = {
        DriftState.OK: _("OK"),
        DriftState.DRIFT: _("Drift"),
        DriftState.NOT_ENOUGH_DATA: _("Too few records"),
    }
    return {
        _("Feature"): [test.label for test in tests],
        _("State"): [states.get(test.state, "–") for test in tests],
        _("Distance"): [value(test.distance) for test in tests],
        _("Drift threshold"): [value(test.threshold) for test in tests],
    }
