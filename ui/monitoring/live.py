"""The part of the Monitoring page that refreshes every few seconds, unless it is paused."""

from typing import Final

import streamlit as st

from ui import services
from ui.address.choices import Choices, preset, switch
from ui.i18n.language import _
from ui.monitoring import prometheus_down, snapshot
from ui.monitoring.format import at
from ui.monitoring.panels import alerts, decisions, drift, headline_metrics, quality, scores, traffic
from ui.monitoring.window import Window

EVERY_SECONDS: Final = 15
LIVE: Final = "monitoring-live"
WINDOW: Final = "monitoring-window"
CHOICES: Final = Choices("monitoring", {WINDOW: str, LIVE: switch})


def draw() -> None:
    """The controls and all panels."""
    CHOICES.load()
    preset(LIVE, True)
    live = bool(st.session_state[LIVE])
    st.fragment(_refresh, run_every=EVERY_SECONDS if live else None)(live)


def _refresh(was_live: bool) -> None:
    window = _controls()
    if st.session_state[LIVE] != was_live:
        st.rerun()  # the interval of the fragment is set when the whole page is drawn
    current = snapshot.take(services.prometheus(), services.api(), services.api_readings(), window)
    st.markdown(f":small[{_('As of {moment}.').format(moment=at(current.taken_at))}]")
    sections = [traffic, scores, drift, quality, decisions]
    if current.without_prometheus is None:
        sections.insert(0, alerts)
    elif not prometheus_down.draw(current, current.without_prometheus):
        return
    headline_metrics.draw(current)
    for section in sections:
        with st.container():
            section.draw(current)


def _controls() -> Window:
    preset(WINDOW, Window.HOUR, list(Window))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = st.segmented_control(
            _("Time window"),
            list(Window),
            format_func={one: one.text for one in Window}.__getitem__,
            key=WINDOW,
            required=True,
            persist_state="session",
        )
        st.toggle(_("Refresh every {seconds} seconds").format(seconds=EVERY_SECONDS), key=LIVE, persist_state="session")
        st.button(_("Refresh now"), icon=":material/refresh:", key="monitoring-refresh")
    CHOICES.write()
    return Window(window or Window.HOUR)
