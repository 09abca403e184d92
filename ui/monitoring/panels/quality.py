"""Realised quality, drawn: measured figures with intervals, and what is only estimated marked as such."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from ui.charts import palette
from ui.clients.api_models import ServedModel
from ui.clients.errors import ServiceError
from ui.clients.prometheus import Sample
from ui.i18n.language import _
from ui.model.metrics import label, meaning
from ui.monitoring import charts
from ui.monitoring.charts import Estimate
from ui.monitoring.drift import State, run
from ui.monitoring.expressions import COVERAGE, ESTIMATED, OUTCOMES, REALISED, Now
from ui.monitoring.panels.panel import fault, panel, picture, usable
from ui.monitoring.quality import LIMITS, VersionQuality, known_outcomes, table, versions, words
from ui.monitoring.snapshot import Readings

DASHBOARD: Final = "field"
DRAWN: Final = ("auroc", "average_precision", "brier", "calibration_intercept")


def draw(readings: Readings) -> None:
    """How much is known, then a chart for each figure and a table of all."""
    st.subheader(_("Realised quality"))
    answers = [readings.samples[one] for one in (REALISED, ESTIMATED, OUTCOMES, COVERAGE)]
    for answer in answers:
        if isinstance(answer, ServiceError):
            fault(answer)
            return
    found = versions(*(_samples(readings, one) for one in (REALISED, ESTIMATED, OUTCOMES, COVERAGE)))
    if not usable(found, _nothing(readings)):
        return
    for version in found:
        st.markdown(known_outcomes(version))
    if any(version.estimated for version in found):
        text = _(
            "**Estimated without outcomes** is what the risks promise of themselves, if they are calibrated. It is no "
            "measurement: only outcomes can show that calibration was lost."
        )
        st.markdown(text)
    _charts(found, readings)


def _charts(found: Sequence[VersionQuality], readings: Readings) -> None:
    served = readings.served if isinstance(readings.served, ServedModel) else None
    tested = {name: one.value for name, one in served.metrics.items()} if served else {}
    places = [*st.columns(2), *st.columns(2)]
    for place, metric in zip(places, DRAWN, strict=True):
        name = label(metric)
        with place, panel(name, _("none, 95% interval of resampled patients"), REALISED.metric, DASHBOARD):
            st.markdown(meaning(metric))
            rows = estimates(metric, found)
            if usable(rows, _("Too few outcomes to measure this.")):
                drawn = charts.intervals(rows, name, palette(), LIMITS.get(metric, ()))
                one = table(_only(found, metric), tested, served.version if served else "")
                picture(drawn, words(metric, found), one)
            if metric in LIMITS:
                st.markdown(f":small[{_('Dashed: where an alert begins for the version in production.')}]")
    with st.expander(_("All figures of all versions")):
        every = table(found, tested, served.version if served else "")
        st.table(every, border="horizontal", hide_index=True, alt=_("Realised and estimated figures by version"))


def estimates(metric: str, found: Sequence[VersionQuality]) -> list[Estimate]:
    """A figure of all versions: measured, and estimated where it is."""
    rows = []
    for version in found:
        one = version.realised.get(metric)
        if one and one.value is not None and one.low is not None and one.high is not None:
            name = _("Version {version}").format(version=version.name)
            rows.append(Estimate(name, one.value, one.low, one.high))
        if metric in version.estimated:
            name = _("Version {version}, estimate").format(version=version.name)
            rows.append(Estimate(name, version.estimated[metric]))
    return rows


def _only(found: Sequence[VersionQuality], metric: str) -> list[VersionQuality]:
    """The same versions with this figure alone."""
    return [
        VersionQuality(
            one.name,
            {name: figure for name, figure in one.realised.items() if name == metric},
            {name: figure for name, figure in one.estimated.items() if name == metric},
        )
        for one in found
    ]


def _nothing(readings: Readings) -> str:
    state = run(readings)
    if isinstance(state, ServiceError) or state.state in (State.DATABASE_AWAY, State.NOT_WATCHED):
        return _("Realised quality cannot be read for the moment.")
    if state.state is State.NO_RUN:
        return _("monitor_diabetes has not run yet, and it is what compares predictions with outcomes.")
    return _(
        "No outcome is known yet that is old enough: send outcomes to the API, and wait until 30 days have passed."
    )


def _samples(readings: Readings, question: Now) -> tuple[Sample, ...]:
    answer = readings.samples[question]
    return () if isinstance(answer, ServiceError) else answer
