"""The part of the page that is alive: it asks everything anew every few seconds, unless it is paused."""

from typing import Final

import streamlit as st

from ui import services
from ui.i18n.language import _
from ui.monitoring import prometheus_down
from ui.monitoring.format import at
from ui.monitoring.panels import alerts, drift, headline_metrics, quality, scores, traffic
from ui.monitoring.snapshot import read
from ui.monitoring.window import Window

EVERY_SECONDS: Final = 15
LIVE: Final = "monitoring-live"
WINDOW: Final = "monitoring-window"


def draw() -> None:
    """The controls and all panels, refreshed together."""
    live = bool(st.session_state.setdefault(LIVE, True))
    st.fragment(_refreshed, run_every=EVERY_SECONDS if live else None)(live)


def _refreshed(was_live: bool) -> None:
    window = _controls()
    if st.session_state[LIVE] != was_live:
        st.rerun()  # whether it refreshes by itself is decided where the whole page is drawn
    readings = read(services.prometheus(), services.api(), window)
    st.markdown(f":small[{_('As of {moment}.').format(moment=at(readings.asked_at))}]")
    if error := readings.prometheus_away:
        prometheus_down.draw(readings, error)
        return
    headline_metrics.draw(readings)
    for section in (alerts, traffic, scores, drift, quality):
        with st.container():
            section.draw(readings)


def _controls() -> Window:
    st.session_state.setdefault(WINDOW, Window.HOUR)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            _("Window of time"), list(Window), format_func=lambda one: one.text, key=WINDOW, required=True
        )
        text = _("Refresh every {seconds} seconds").format(seconds=EVERY_SECONDS)
        st.toggle(text, key=LIVE)
        st.button(_("Refresh now"), icon=":material/refresh:", key="monitoring-refresh")
    return Window(chosen or Window.HOUR)
