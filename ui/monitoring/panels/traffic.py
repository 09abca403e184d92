"""Traffic and latency over the window."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from ui.charts import palette
from ui.clients.errors import ServiceError
from ui.clients.prometheus import TimeSeries
from ui.i18n.language import _, percent
from ui.monitoring import charts
from ui.monitoring.charts import Series
from ui.monitoring.expressions import (
    ANSWERS,
    FAILING,
    FAILING_SHARE,
    P50,
    P95,
    P99,
    PREDICTIONS,
    SLOW_SECONDS,
    OverTime,
)
from ui.monitoring.format import at, duration, rate
from ui.monitoring.panels.panel import panel, picture, usable
from ui.monitoring.snapshot import Readings

DASHBOARD: Final = "api-model"
Text = Callable[[float], str]


def draw(readings: Readings) -> None:
    """Four panels: requests by status, latency, share of errors, predictions by version."""
    st.subheader(_("Traffic and latency"))
    left, right = st.columns(2)
    with left, panel(_("Answers of /predict"), _("requests per second"), ANSWERS.metric, DASHBOARD):
        _requests(readings)
    with right, panel(_("Latency of /predict"), _("milliseconds"), P95.metric, DASHBOARD):
        _latency(readings)
    left, right = st.columns(2)
    with left, panel(_("Share of errors of /predict"), _("share of the requests"), FAILING.metric, DASHBOARD):
        _failing(readings)
    with right, panel(_("Predictions by version"), _("records per second"), PREDICTIONS.metric, DASHBOARD):
        _predictions(readings)


def _requests(readings: Readings) -> None:
    lines = named(readings, ANSWERS, "status", _("status {label}"))
    if lines:
        words = summary(lines, _("Requests per second to /predict, by HTTP status."), rate)
        picture(charts.over_time(lines, _("Requests per second"), palette()), words, table(lines, rate))
        st.markdown(f":small[{_('4xx: the caller sent something wrong. 5xx: the service failed.')}]")


def _latency(readings: Readings) -> None:
    found: list[Series] = []
    for name, question in (("p50", P50), ("p95", P95), ("p99", P99)):
        answer = readings.lines[question]
        if isinstance(answer, ServiceError) or not answer:
            usable(answer, nothing())
            return
        found.append(Series(name, answer[0].points))
    shown = [Series(line.name, [(when, 1000 * value) for when, value in line.points]) for line in found]
    highest = max(value for line in found for _when, value in line.points)
    limit = 1000 * SLOW_SECONDS if highest > SLOW_SECONDS / 2 else None
    words = summary(found, _("Time until /predict has answered: median, 95th and 99th percentile."), duration)
    picture(charts.over_time(shown, _("Milliseconds"), palette(), ".0f", limit), words, table(found, duration))
    text = _("The alert ApiSlow begins where the p95 stays above {limit} for five minutes.")
    st.markdown(f":small[{text.format(limit=duration(SLOW_SECONDS))}]")


def _failing(readings: Readings) -> None:
    lines = named(readings, FAILING, "route", "{label}")
    if lines:
        highest = max(value for line in lines for _when, value in line.points)
        limit = FAILING_SHARE if highest > FAILING_SHARE / 2 else None
        words = summary(lines, _("Share of the requests to /predict that were answered with a 5xx."), percent)
        picture(charts.over_time(lines, _("Share of errors"), palette(), ".1%", limit), words, table(lines, percent))
        text = _("The alert ApiServerErrors begins at {limit}.")
        st.markdown(f":small[{text.format(limit=percent(FAILING_SHARE, 0))}]")


def _predictions(readings: Readings) -> None:
    lines = named(readings, PREDICTIONS, "model_version", _("version {label}"))
    if lines:
        words = summary(lines, _("Records scored per second, by version of the model."), rate)
        picture(charts.over_time(lines, _("Records per second"), palette()), words, table(lines, rate))
        st.markdown(f":small[{_('During a swap of the model one line takes over from the other.')}]")


def nothing() -> str:
    """What is said where nobody asked anything."""
    return _("No requests in this window.")


def named(readings: Readings, question: OverTime, label: str, name: str) -> list[Series]:
    """The lines of an answer by the value of a label; says so where there are none."""
    answer: Sequence[TimeSeries] | ServiceError = readings.lines[question]
    if not isinstance(answer, ServiceError) and not any(value for line in answer for _when, value in line.points):
        answer = () if question is not FAILING else answer  # no failure is a finding, no request is none
    found = [Series(name.format(label=line.labels.get(label, "")), line.points) for line in usable(answer, nothing())]
    return sorted(found, key=lambda line: line.name)


def summary(lines: Sequence[Series], what: str, text: Text) -> str:
    """A chart of lines in words: each with its last and its highest value."""
    each = _("{name}: now {last}, at most {most}.")
    told = (
        each.format(
            name=line.name, last=text(line.points[-1][1]), most=text(max(value for _when, value in line.points))
        )
        for line in lines
    )
    return " ".join([what, *told])


def table(lines: Sequence[Series], text: Text) -> dict[str, list[str]]:
    """The same lines as columns, the newest row first."""
    times = sorted({when for line in lines for when, _value in line.points}, reverse=True)
    columns = {line.name: dict(line.points) for line in lines}
    return {
        _("Time"): [at(when) for when in times],
        **{name: [text(values[when]) if when in values else "–" for when in times] for name, values in columns.items()},
    }
