"""With Prometheus away: what to start, and what the API alone can tell."""

import streamlit as st

from ui.clients.api_models import ServedModel
from ui.clients.errors import ServiceError
from ui.i18n.language import _, format_utc
from ui.i18n.wording import error_text, escape
from ui.monitoring.snapshot import Readings


def draw(readings: Readings, error: ServiceError) -> None:
    """One sentence on Prometheus, then the API's own word."""
    text = _(
        "Without it there are no figures of traffic, drift or quality. `docker compose up` starts it; the native stack "
        "starts it where the program `prometheus` is installed. This page goes on by itself as soon as it answers."
    )
    st.error(f"{escape(error_text(error))} {text}", icon=":material/cloud_off:")
    st.subheader(_("What the API says of itself"))
    served = readings.served
    rows = {_("Ready for predictions"): _ready(readings)}
    if isinstance(served, ServedModel):
        rows |= {
            _("Served version"): served.version,
            _("Algorithm"): served.algorithm,
            _("Trained"): format_utc(served.trained_at),
        }
        if served.registry:
            rows[_("Production version, as the API last saw it")] = served.registry.version or _("none")
            rows[_("MLflow, as the API sees it")] = _("reachable") if served.registry.reachable else _("not reachable")
    st.table(rows, border="horizontal", alt=_("What the API says of itself"))
    if isinstance(served, ServiceError):
        st.info(escape(error_text(served)), icon=":material/cloud_off:")
    st.markdown(f":small[{_('Source: the API, GET /ready and GET /model.')}]")


def _ready(readings: Readings) -> str:
    if readings.is_ready is None:
        return _("it does not say")
    return _("yes") if readings.is_ready else _("no, it has no model yet")
