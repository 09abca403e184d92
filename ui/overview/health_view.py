"""The services at a glance, drawn; it renews itself."""

from typing import Final, Literal

import streamlit as st

from ui import services
from ui.clients.airflow import AirflowHealth
from ui.clients.errors import ServiceError
from ui.clients.service_health import ServicesHealth
from ui.i18n.language import _, format_utc
from ui.i18n.wording import escape
from ui.overview.cards import Card, State, airflow_parts, behind, cards
from ui.overview.health_poller import glance

COLUMNS: Final = 3

Colour = Literal["green", "orange", "red", "gray"]

_LOOKS: Final[dict[State, tuple[Colour, str]]] = {
    State.RUNNING: ("green", ":material/check_circle:"),
    State.INCOMPLETE: ("orange", ":material/hourglass:"),
    State.AWAY: ("red", ":material/cloud_off:"),
    State.UNWATCHED: ("gray", ":material/help:"),
}


@st.fragment(run_every="10s")
def draw() -> None:
    """A card for each service, and what stands behind them."""
    st.subheader(_("Services"))
    seen = glance()
    shown = list(cards(seen, services.settings()))
    for start in range(0, len(shown), COLUMNS):
        for place, card in zip(st.columns(COLUMNS), shown[start : start + COLUMNS], strict=False):
            with place:
                _card(card, seen)
    _behind(seen)


def _card(card: Card, seen: ServicesHealth) -> None:
    colour, icon = _LOOKS[card.state]
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"{card.icon} **{card.name}**", width="content")
            st.badge(card.words, icon=icon, color=colour)
        st.markdown(f":small[{card.purpose}]")
        if card.name == "Airflow" and isinstance(seen.airflow, AirflowHealth):
            _heartbeats(seen.airflow)
        if card.more:
            st.markdown(f":small[{escape(card.more)}]")
        st.link_button(
            _("Open {name}").format(name=card.name), card.url, icon=":material/open_in_new:", type="tertiary"
        )


def _heartbeats(airflow: AirflowHealth) -> None:
    lines = []
    for name, part in airflow_parts(airflow).items():
        healthy = part is not None and part.is_healthy
        icon, word = (":material/check:", _("healthy")) if healthy else (":material/close:", _("not healthy"))
        line = _("{part}: {state}").format(part=name, state=word)
        if part and part.heartbeat:
            line = _("{part}: {state}, last heartbeat {moment}").format(
                part=name, state=word, moment=format_utc(part.heartbeat)
            )
        lines.append(f":small[{icon} {line}]")
    st.markdown("  \n".join(lines))


def _behind(seen: ServicesHealth) -> None:
    if isinstance(seen.scraped, ServiceError):
        return
    jobs = behind(seen.scraped)
    if not jobs:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(_("Behind them, by Prometheus:"), width="content")
        for name, up in jobs.items():
            if up:
                st.badge(_("{name}: answers").format(name=name), icon=":material/check_circle:", color="green")
            else:
                st.badge(_("{name}: no answer").format(name=name), icon=":material/cloud_off:", color="red")
