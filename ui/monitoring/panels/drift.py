"""Drift in words, and feature by feature: which values differ, and which fields are told more or less often."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from ui import services
from ui.charts import palette
from ui.clients.errors import ServiceError
from ui.i18n.language import _, counted, decimal
from ui.monitoring import charts
from ui.monitoring.charts import Bar, Names
from ui.monitoring.drift import Finding, Kind, Run, State, run
from ui.monitoring.expressions import DRIFT_DISTANCE, DRIFT_STATE, DRIFT_THRESHOLD
from ui.monitoring.format import at
from ui.monitoring.panels.panel import fault, panel, picture
from ui.monitoring.snapshot import Readings

DASHBOARD: Final = "field"
SHOWN: Final = 8
"""Bars of a chart; the table has all."""


def draw(readings: Readings) -> None:
    """The state in words, then the tests behind it."""
    st.subheader(_("Drift"))
    found = run(readings)
    if isinstance(found, ServiceError):
        fault(found)
        return
    _state(found)
    if found.at is None and not found.tests:
        return
    for question in (DRIFT_STATE, DRIFT_DISTANCE, DRIFT_THRESHOLD):
        answer = readings.samples[question]
        if isinstance(answer, ServiceError):
            fault(answer)
            return
    left, right = st.columns(2)
    with left, panel(_("Values of features"), _unit(), DRIFT_DISTANCE.metric, DASHBOARD):
        st.markdown(_("Whether the values that are known are distributed as in the training data."))
        _tests(found.of(Kind.VALUE))
    with right, panel(_("How often features are given"), _unit(), DRIFT_DISTANCE.metric, DASHBOARD):
        st.markdown(_("Whether callers give a feature more or less often than it is known in the training data."))
        _tests(found.of(Kind.KNOWN))
    with panel(_("Predicted risk of the window"), _unit(), DRIFT_DISTANCE.metric, DASHBOARD):
        st.markdown(_("Whether the model's answers are distributed as those for the test patients, load tests apart."))
        _tests(found.of(Kind.SCORE))


def _state(found: Run) -> None:
    airflow = f"{services.settings().airflow_public_url.rstrip('/')}/dags/monitor_diabetes"
    match found.state:
        case State.DRIFT:
            text = _("**Drift.** The model is asked about other patients than it was trained on.")
            tests = counted("{number} test of {all} says so.", "{number} tests of {all} say so.", found.drifted)
            st.warning(f"{text} {tests.format(all=decimal(len(found.tests), 0))}", icon=":material/warning:")
        case State.OK:
            text = _("**No drift.** The patients that the model is asked about look like those it was trained on.")
            st.success(text, icon=":material/check_circle:")
        case State.NOT_ENOUGH_DATA:
            text = _("**Not enough data.** The window of the run holds too few predictions to tell.")
            st.info(text, icon=":material/hourglass_empty:")
        case State.NO_RUN:
            text = _("**monitor_diabetes has not run yet.** Switch it on and trigger it [in Airflow]({address}).")
            st.info(text.format(address=airflow), icon=":material/hourglass_empty:")
        case State.DATABASE_AWAY:
            text = _("The diabetes database does not answer the exporter, so nothing is known of drift for the moment.")
            st.warning(text, icon=":material/cloud_off:")
        case State.NOT_WATCHED:
            text = _("Prometheus has nothing from the exporter, which reads what the runs found: start the exporter.")
            st.info(text, icon=":material/cloud_off:")
    if found.at is not None:
        _when(found.at, found.predictions)


def _when(run_at: float, predictions: float | None) -> None:
    if predictions is None:
        st.markdown(_("Found by the run of {moment}.").format(moment=at(run_at)))
        return
    text = _("Found by the run of {moment}, which looked at {predictions}, load tests apart.")
    looked = counted("{number} prediction", "{number} predictions", round(predictions))
    st.markdown(text.format(moment=at(run_at), predictions=looked))


def _unit() -> str:
    return _("Jensen-Shannon distance, from 0 (the same) to 1 (nothing in common)")


def _tests(found: Sequence[Finding]) -> None:
    """The tests of a kind: drifted ones named, the nearest as a chart, all as a table."""
    measured = [test for test in found if test.distance is not None]
    if not measured:
        st.info(_("Too few records to compare."), icon=":material/hourglass_empty:")
        return
    words = summary(found)
    st.markdown(f"**{words}**")
    bars = [Bar(test.label, test.distance or 0, test.threshold) for test in measured[:SHOWN]]
    names = Names(_("Feature"), _("Distance"), _("Distance"), _("Drift from here on"))
    alternative = _("Distance from the training data, and the distance from which on it is drift. {words}")
    picture(charts.lengths(bars, names, palette()), alternative.format(words=words), table(found))
    if len(measured) > SHOWN:
        text = _("The chart shows the {number} nearest to their threshold.")
        st.markdown(f":small[{text.format(number=SHOWN)}]")


def summary(found: Sequence[Finding]) -> str:
    """The tests of a kind in words: each that drifts with distance and threshold."""
    drifted = [test for test in found if test.state is State.DRIFT]
    if not drifted:
        return _("None differs by more than chance.")
    each = _("{label}: {distance}, drift from {threshold} on")
    told = (
        each.format(label=one.label, distance=_figure(one.distance), threshold=_figure(one.threshold))
        for one in drifted
    )
    return _("These differ: {features}.").format(features="; ".join(told))


def table(found: Sequence[Finding]) -> dict[str, list[str]]:
    """All tests of a kind."""
    words = {State.OK: _("OK"), State.DRIFT: _("Drift"), State.NOT_ENOUGH_DATA: _("Too few records")}
    return {
        _("Feature"): [test.label for test in found],
        _("State"): [words.get(test.state, "–") for test in found],
        _("Distance"): [_figure(test.distance) for test in found],
        _("Drift from here on"): [_figure(test.threshold) for test in found],
    }


def _figure(value: float | None) -> str:
    return "–" if value is None else decimal(value, 3)
