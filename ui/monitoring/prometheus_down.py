"""Shown while Prometheus does not answer: how to start it, and the state that the API reports."""

import streamlit as st

from ui.clients.errors import ServiceError
from ui.i18n.language import _, format_utc
from ui.i18n.wording import error_text, escape
from ui.monitoring.snapshot import Snapshot


def draw(snapshot: Snapshot, error: ServiceError) -> None:
    """The error of Prometheus, then a table of the API's state."""
    text = _(
        "Without it there are no metrics of traffic, drift or quality. `docker compose up` starts it; the native stack "
        "starts it if the program `prometheus` is installed. This page continues as soon as it answers."
    )
    st.error(f"{escape(error_text(error))} {text}", icon=":material/cloud_off:")
    title = _("State reported by the API")
    st.subheader(title)
    ready = {None: _("not known"), True: _("yes"), False: _("no, it has no model yet")}
    rows = {_("Ready for predictions"): ready[snapshot.is_ready]}
    if served := snapshot.served_model:
        rows |= {
            _("Served version"): served.version,
            _("Algorithm"): served.algorithm,
            _("Trained"): format_utc(served.trained_at),
        }
        if served.registry:
            rows[_("Production version, as the API last saw it")] = served.registry.version or _("none")
            rows[_("MLflow, as the API sees it")] = _("reachable") if served.registry.reachable else _("not reachable")
    st.table(rows, border="horizontal", alt=title)
    if isinstance(snapshot.served, ServiceError):
        st.info(escape(error_text(snapshot.served)), icon=":material/cloud_off:")
    st.markdown(f":small[{_('Source: the API, GET /ready and GET /model.')}]")
