"""Pending and firing alerts: severity, since when, meaning, and links to the runbook and to Grafana."""

from collections.abc import Sequence

import streamlit as st

from ui import health
from ui.clients.errors import Service, ServiceError
from ui.i18n.language import _, format_utc
from ui.i18n.messages import message
from ui.i18n.wording import escape
from ui.monitoring.alert_rules import CRITICAL, FIRING, Alert
from ui.monitoring.alert_texts import meanings
from ui.monitoring.panels.panel import draw_error
from ui.monitoring.snapshot import Snapshot


def draw(snapshot: Snapshot) -> None:
    """All alerts, the most urgent first."""
    st.subheader(_("Alerts"))
    alerts = snapshot.alerts()
    if isinstance(alerts, ServiceError):
        draw_error(alerts)
        return
    if not alerts:
        st.success(_("No alert is firing or pending."), icon=":material/check_circle:")
    for alert in ranked(alerts):
        _alert(alert)
    text = _("Source: the rules of Prometheus. A pending alert fires if its condition holds a while longer.")
    st.markdown(f":small[{text}]")


def ranked(alerts: Sequence[Alert]) -> list[Alert]:
    """Firing before pending, critical before warning, oldest first."""
    return sorted(alerts, key=lambda one: (one.state != FIRING, one.severity != CRITICAL, one.active_at, one.name))


def _alert(alert: Alert) -> None:
    with st.container(border=True):
        st.markdown(f"#### {escape(alert.name)}")
        with st.container(horizontal=True, gap="small"):
            if alert.severity == CRITICAL:
                st.badge(_("critical"), color="red", icon=":material/error:")
            else:
                st.badge(_("warning"), color="orange", icon=":material/warning:")
            if alert.state == FIRING:
                st.badge(_("firing since {moment}").format(moment=format_utc(alert.active_at)), color="red")
            else:
                st.badge(_("pending since {moment}").format(moment=format_utc(alert.active_at)), color="gray")
        meaning = meanings().get(alert.name)
        if meaning:
            st.markdown(meaning)
        names = ("summary",) if meaning else ("summary", "description")  # the meaning is the description, translated
        details = [text for name in names if (text := alert.annotations.get(name))]
        st.markdown("  \n".join(f":small[{escape(message(text))}]" for text in details))
        with st.container(horizontal=True):
            runbook = alert.annotations.get("runbook_url", "")
            if runbook.startswith(("http://", "https://")):
                st.link_button(_("What to do"), runbook, icon=":material/menu_book:")
            health.link(Service.GRAFANA, _("In Grafana"), f"/alerting/list?search={alert.name}", "monitoring")
