"""Headline metrics: six values of the present moment."""

from collections.abc import Callable

import streamlit as st

from ui.clients.errors import ServiceError
from ui.i18n.language import _, percent
from ui.monitoring.alert_rules import FIRING
from ui.monitoring.format import duration, rate
from ui.monitoring.panels.panel import draw_error
from ui.monitoring.queries import FAILING_NOW, P95_NOW, P99_NOW, REQUESTS_NOW, SERVED_NOW, Query
from ui.monitoring.snapshot import Snapshot


def draw(snapshot: Snapshot) -> None:
    """Six values with their units; a dash stands for an unknown value."""

    def read(query: Query, text: Callable[[float], str]) -> str:
        value = snapshot.value(query)
        return "–" if isinstance(value, ServiceError) or value is None else text(value)

    served = snapshot.served_model  # the API's own response is never late; Prometheus's value is used without it
    metrics = [
        (_("Requests/s"), read(REQUESTS_NOW, rate), _("Requests to /predict, mean of five minutes.")),
        (_("Latency p95"), read(P95_NOW, duration), _("95% of the requests to /predict were faster.")),
        (_("Latency p99"), read(P99_NOW, duration), _("99% of the requests to /predict were faster.")),
        (_("Errors"), read(FAILING_NOW, percent), _("Requests to /predict answered with a 5xx, in five minutes.")),
        (_("Served version"), served.version if served else read(SERVED_NOW, _version), _("Version of the model.")),
    ]
    if snapshot.without_prometheus is None:
        alerts = snapshot.alerts()
        firing = "–" if isinstance(alerts, ServiceError) else str(sum(one.state == FIRING for one in alerts))
        metrics.append((_("Alerts firing"), firing, _("They are listed below.")))
    with st.container(horizontal=True, gap="small"):
        for label, text, meaning in metrics:
            st.metric(label, text, help=meaning, border=True, width=170)
    source = _("Metrics of /predict over five minutes, from Prometheus; load tests are included.")
    if snapshot.without_prometheus is not None:
        source = _("Metrics of /predict over five minutes, from the API; load tests are included.")
    if snapshot.value(REQUESTS_NOW) in (None, 0):
        source = f"{source} {_('A dash: no requests in the last five minutes.')}"
    st.markdown(f":small[{source}]")
    results: list[object] = [snapshot.samples[one] for one in (REQUESTS_NOW, P95_NOW, P99_NOW, FAILING_NOW)]
    if snapshot.without_prometheus is None:
        results.append(snapshot.rules)
    for error in [result for result in results if isinstance(result, ServiceError)][:1]:
        draw_error(error)


def _version(number: float) -> str:
    return f"{number:.0f}" if number else _("none")
