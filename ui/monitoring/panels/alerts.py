"""Alerts that fire or are pending: how bad, since when, what it means, and where to read on."""

from collections.abc import Sequence

import streamlit as st

from ui import services
from ui.clients.errors import ServiceError
from ui.clients.prometheus import Alert
from ui.i18n.language import _, format_utc
from ui.i18n.wording import escape
from ui.monitoring.alert_texts import meanings
from ui.monitoring.panels.panel import fault
from ui.monitoring.snapshot import Readings


def draw(readings: Readings) -> None:
    """All of them, the worst first; a calm platform says so."""
    st.subheader(_("Alerts"))
    if isinstance(readings.alerts, ServiceError):
        fault(readings.alerts)
        return
    if not readings.alerts:
        st.success(_("No alert fires or is pending."), icon=":material/check_circle:")
    for number, alert in enumerate(ranked(readings.alerts)):
        _alert(alert, number)
    st.markdown(
        f":small[{_('Source: Prometheus, ALERTS. A pending alert fires if its condition holds a while longer.')}]"
    )


def ranked(alerts: Sequence[Alert]) -> list[Alert]:
    """Those that fire before those that are pending, critical ones before warnings, the oldest first."""
    return sorted(alerts, key=lambda one: (one.state != "firing", one.severity != "critical", one.active_at, one.name))


def _alert(alert: Alert, number: int) -> None:
    given = services.settings()
    with st.container(border=True):
        st.markdown(f"#### {escape(alert.name)}")
        with st.container(horizontal=True, gap="small"):
            if alert.severity == "critical":
                st.badge(_("critical"), color="red", icon=":material/error:")
            else:
                st.badge(_("warning"), color="orange", icon=":material/warning:")
            if alert.state == "firing":
                st.badge(_("firing since {moment}").format(moment=format_utc(alert.active_at)), color="red")
            else:
                st.badge(_("pending since {moment}").format(moment=format_utc(alert.active_at)), color="gray")
        if meaning := meanings().get(alert.name):
            st.markdown(meaning)
        if summary := alert.annotations.get("summary"):
            # Prometheus fills the particulars in, in English only.
            with st.container(key=f"as-the-service-says-alert-{number}"):
                st.markdown(f":small[{escape(summary)}]")
        with st.container(horizontal=True):
            runbooks = f"{given.notices_public_url.rstrip('/')}/runbooks"
            st.link_button(_("What to do"), f"{runbooks}/{alert.name}", icon=":material/menu_book:")
            grafana = f"{given.grafana_public_url.rstrip('/')}/alerting/list?search={alert.name}"
            st.link_button(_("In Grafana"), grafana, icon=":material/monitoring:")
