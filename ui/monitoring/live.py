"""The part of the Monitoring page that refreshes every few seconds, unless it is paused."""

from typing import Final

import streamlit as st

from ui import services
from ui.i18n.language import _
from ui.monitoring import prometheus_down, snapshot
from ui.monitoring.format import at
from ui.monitoring.panels import alerts, drift, headline_metrics, quality, scores, traffic
from ui.monitoring.window import Window

EVERY_SECONDS: Final = 15
LIVE: Final = "monitoring-live"
WINDOW: Final = "monitoring-window"


def draw() -> None:
    """The controls and all panels."""
    live = bool(st.session_state.setdefault(LIVE, True))
    st.fragment(_refresh, run_every=EVERY_SECONDS if live else None)(live)


def _refresh(was_live: bool) -> None:
    window = _controls()
    if st.session_state[LIVE] != was_live:
        st.rerun()  # the interval of the fragment is set when the whole page is drawn
    current = snapshot.take(services.prometheus(), services.api(), window)
    st.markdown(f":small[{_('As of {moment}.').format(moment=at(current.taken_at))}]")
    if error := current.prometheus_error:
        prometheus_down.draw(current, error)
        return
    headline_metrics.draw(current)
    for section in (alerts, traffic, scores, drift, quality):
        with st.container():
            section.draw(current)


def _controls() -> Window:
    st.session_state.setdefault(WINDOW, Window.HOUR)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = st.segmented_control(
            _("Time window"), list(Window), format_func=lambda one: one.text, key=WINDOW, required=True
        )
        st.toggle(_("Refresh every {seconds} seconds").format(seconds=EVERY_SECONDS), key=LIVE)
        st.button(_("Refresh now"), icon=":material/refresh:", key="monitoring-refresh")
    return Window(window or Window.HOUR)
