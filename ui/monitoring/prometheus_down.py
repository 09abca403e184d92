"""Shown while Prometheus does not answer: what is missing, how to get it, and where the rest comes from."""

import streamlit as st

from ui.clients.errors import ServiceError
from ui.i18n.language import _
from ui.i18n.wording import error_text, escape
from ui.monitoring.snapshot import Snapshot


def draw(snapshot: Snapshot, error: ServiceError) -> bool:
    """Draw the notice once for the whole page; whether the API has anything to show in place of Prometheus."""
    missing = _(
        "Alerts, their limits and more than one hour of traffic need Prometheus. `docker compose up -d prometheus` "
        "starts it; the native stack starts it with `make up` once the program `prometheus` is installed, in Debian "
        "and Ubuntu by `apt install prometheus`."
    )
    rest = _(
        "The rest is shown without it: traffic as this page reads it from the API every 15 seconds, drift, quality and "
        "decisions from the database."
    )
    st.info(f"{escape(error_text(error))}\n\n{missing}\n\n{rest}", icon=":material/query_stats:")
    if isinstance(snapshot.results, ServiceError) and snapshot.has_no_traffic:
        st.error(escape(error_text(snapshot.results)), icon=":material/cloud_off:")
        return False
    return True
