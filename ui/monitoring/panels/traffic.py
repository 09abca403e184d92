"""Traffic panels: responses by status, latency, share of errors, and predictions by version over the window."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from ui import chart_specs
from ui.chart_specs import Series
from ui.charts import palette
from ui.clients.errors import ServiceError
from ui.i18n.language import _, percent
from ui.monitoring.format import at, duration, rate
from ui.monitoring.panels.panel import Panel, available, draw_chart
from ui.monitoring.queries import FAILING, P50, P95, P99, PREDICTIONS, RESPONSES, Query
from ui.monitoring.snapshot import Snapshot

DASHBOARD: Final = "api-model"
Text = Callable[[float], str]


def draw(snapshot: Snapshot) -> None:
    """Four panels."""
    st.subheader(_("Traffic and latency"))
    places = [*st.columns(2), *st.columns(2)]

    panel = Panel(_("Responses of /predict"), _("requests per second"), RESPONSES.metric, DASHBOARD)
    with places[0], panel.frame(snapshot):
        lines = _lines(snapshot, RESPONSES, "status", _("status {label}"))
        words = _("Requests per second to /predict, by HTTP status.")
        _chart(panel, lines, words, rate, note=_("4xx: the request was not valid. 5xx: the service failed."))

    panel = Panel(_("Latency of /predict"), _("milliseconds"), P95.metric, DASHBOARD, alerts=("ApiSlow",))
    with places[1], panel.frame(snapshot, duration) as limits:
        words = _("Response time of /predict: median, 95th and 99th percentile.")
        _chart(panel, _percentiles(snapshot), words, duration, ".0f", limits, factor=1000)

    panel = Panel(
        _("Share of errors of /predict"),
        _("share of the requests"),
        FAILING.metric,
        DASHBOARD,
        alerts=("ApiServerErrors",),
    )
    with places[2], panel.frame(snapshot, percent) as limits:
        lines = _lines(snapshot, FAILING, "route", "{label}")
        words = _("Share of the requests to /predict that were answered with a 5xx.")
        _chart(panel, lines, words, percent, ".1%", limits)

    panel = Panel(_("Predictions by version"), _("records per second"), PREDICTIONS.metric, DASHBOARD)
    with places[3], panel.frame(snapshot):
        lines = _lines(snapshot, PREDICTIONS, "model_version", _("version {label}"))
        words = _("Records scored per second, by version of the model.")
        _chart(panel, lines, words, rate, note=_("When the model is replaced, one line ends and another begins."))


def _lines(snapshot: Snapshot, query: Query, label: str, name: str) -> Sequence[Series]:
    """The lines of a query, named by a label; a sentence is drawn if there are none."""
    result = snapshot.lines[query]
    if query is not FAILING and not isinstance(result, ServiceError):  # zero errors are a result, zero requests none
        result = result if any(value for line in result for _when, value in line.points) else ()
    lines = available(result, _("No requests in this window."))
    return sorted(
        (Series(name.format(label=line.labels.get(label, "")), line.points) for line in lines),
        key=lambda line: line.name,
    )


def _percentiles(snapshot: Snapshot) -> Sequence[Series]:
    lines = []
    for name, query in (("p50", P50), ("p95", P95), ("p99", P99)):
        if not (found := available(snapshot.lines[query], _("No requests in this window."))):
            return ()
        lines.append(Series(name, found[0].points))
    return lines


def _chart(
    panel: Panel,
    lines: Sequence[Series],
    words: str,
    text: Text,
    number: str = ".2f",
    limits: Sequence[float] = (),
    factor: float = 1,
    note: str = "",
) -> None:
    """Draw lines; a limit far above them is left out. ``factor`` converts to the panel's unit."""
    if not lines:
        return
    highest = max(value for line in lines for _when, value in line.points)
    limits = [factor * limit for limit in limits if highest > limit / 2]
    scaled = [Series(line.name, [(when, factor * value) for when, value in line.points]) for line in lines]
    spec = chart_specs.over_time(scaled, panel.unit, palette(), number, limits)
    draw_chart(spec, summary(lines, words, text), table(lines, text))
    if note:
        st.markdown(f":small[{note}]")


def summary(lines: Sequence[Series], words: str, text: Text) -> str:
    """A chart of lines in words: the last and the highest value of each."""
    each = _("{name}: now {last}, at most {most}.")
    values = [[value for _when, value in line.points] for line in lines]
    return " ".join(
        [
            words,
            *(
                each.format(name=line.name, last=text(of_line[-1]), most=text(max(of_line)))
                for line, of_line in zip(lines, values, strict=True)
            ),
        ]
    )


def table(lines: Sequence[Series], text: Text) -> dict[str, list[str]]:
    """The lines as columns, the newest row first."""
    times = sorted({when for line in lines for when, _value in line.points}, reverse=True)
    columns = {line.name: dict(line.points) for line in lines}
    return {
        _("Time"): [at(when) for when in times],
        **{name: [text(values[when]) if when in values else "–" for when in times] for name, values in columns.items()},
    }
