"""The strip at the top: six figures of the present moment."""

from collections.abc import Callable

import streamlit as st

from ui.clients.api_models import ServedModel
from ui.clients.errors import ServiceError
from ui.i18n.language import _, decimal, percent
from ui.monitoring.expressions import FAILING_NOW, FIRING_NOW, P95_NOW, P99_NOW, REQUESTS_NOW, SERVED_NOW, Now
from ui.monitoring.format import duration, rate
from ui.monitoring.panels.panel import fault
from ui.monitoring.snapshot import Readings


def draw(readings: Readings) -> None:
    """Six figures, each with its unit; what is not known is a dash, and the line below says what that means."""
    figures: list[tuple[str, Now, Callable[[float], str], str]] = [
        (_("Requests/s"), REQUESTS_NOW, rate, _("Requests to /predict, mean of five minutes.")),
        (_("Latency p95"), P95_NOW, duration, _("19 of 20 requests to /predict were answered within this time.")),
        (_("Latency p99"), P99_NOW, duration, _("99 of 100 requests to /predict were answered within this time.")),
        (_("Errors"), FAILING_NOW, percent, _("Requests to /predict answered with a 5xx, in five minutes.")),
        (_("Served version"), SERVED_NOW, _version, _("The version of the model that answers.")),
        (_("Alerts firing"), FIRING_NOW, _count, _("Alerts whose condition holds; they stand below.")),
    ]
    with st.container(horizontal=True, gap="small"):
        for label, question, text, meaning in figures:
            figure = _figure(readings, question)
            shown = "–" if isinstance(figure, ServiceError) or figure is None else text(figure)
            st.metric(label, shown, help=meaning, border=True, width=170)
    st.markdown(f":small[{_explained(readings)}]")
    for error in _faults(readings)[:1]:
        fault(error)


def _figure(readings: Readings, question: Now) -> float | ServiceError | None:
    """Prometheus's word; of the served version the API's own comes first, since it is never late."""
    if question is SERVED_NOW and isinstance(readings.served, ServedModel) and readings.served.version.isdigit():
        return float(readings.served.version)
    return readings.figure(question)


def _faults(readings: Readings) -> list[ServiceError]:
    answers = (readings.samples[one] for one in (REQUESTS_NOW, P95_NOW, P99_NOW, FAILING_NOW, FIRING_NOW))
    return [answer for answer in answers if isinstance(answer, ServiceError)]


def _explained(readings: Readings) -> str:
    source = _("Figures of /predict over five minutes, from Prometheus; load tests are among them.")
    if readings.figure(REQUESTS_NOW) in (None, 0):
        return f"{source} {_('A dash: no requests in the last five minutes.')}"
    return source


def _version(number: float) -> str:
    return f"{number:.0f}" if number else _("none")


def _count(number: float) -> str:
    return decimal(number, 0)
