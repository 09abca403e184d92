"""Draws the services' cards; refreshes by itself."""

from typing import Final, Literal

import streamlit as st

from ui import services
from ui.clients.airflow import AirflowHealth
from ui.clients.errors import ServiceError
from ui.clients.service_health import ServicesHealth
from ui.health import health
from ui.i18n.language import _, format_utc
from ui.i18n.wording import escape
from ui.overview import backup_card
from ui.overview.cards import Card, State, airflow_parts, background_services, cards

COLUMNS: Final = 3

_BADGES: Final[dict[State, tuple[Literal["green", "orange", "red", "gray"], str]]] = {
    State.RUNNING: ("green", ":material/check_circle:"),
    State.INCOMPLETE: ("orange", ":material/hourglass:"),
    State.DOWN: ("red", ":material/cloud_off:"),
    State.UNKNOWN: ("gray", ":material/help:"),
}


@st.fragment(run_every="10s")
def draw() -> None:
    """A card for each service, then the background services."""
    st.subheader(_("Services"))
    current = health()
    all_cards = cards(current, services.settings())
    for start in range(0, len(all_cards), COLUMNS):
        for place, card in zip(st.columns(COLUMNS), all_cards[start : start + COLUMNS], strict=False):
            with place:
                _card(card, current)
    if not isinstance(current.scraped, ServiceError):
        backup_card.draw(current.scraped.backups)
    if not isinstance(current.scraped, ServiceError) and (jobs := background_services(current.scraped)):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(_("Background services, as seen by Prometheus:"), width="content")
            for name, up in jobs.items():
                if up:
                    st.badge(_("{name}: answers").format(name=name), icon=":material/check_circle:", color="green")
                else:
                    st.badge(_("{name}: no answer").format(name=name), icon=":material/cloud_off:", color="red")


def _card(card: Card, current: ServicesHealth) -> None:
    colour, icon = _BADGES[card.status.state]
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f":material/{card.icon}: **{card.name}**", width="content")
            st.badge(card.status.name, icon=icon, color=colour)
        st.markdown(f":small[{card.purpose}]")
        if card.name == "Airflow" and isinstance(current.airflow, AirflowHealth):
            _heartbeats(current.airflow)
        if card.status.advice:
            st.markdown(f":small[{escape(card.status.advice)}]")
        if card.status.state in (State.RUNNING, State.INCOMPLETE):
            label = _("Open {name}").format(name=card.name)
            st.link_button(label, card.url, icon=":material/open_in_new:", type="tertiary")


def _heartbeats(airflow: AirflowHealth) -> None:
    lines = []
    for name, part in airflow_parts(airflow).items():
        healthy = part is not None and part.is_healthy
        icon, state = (":material/check:", _("healthy")) if healthy else (":material/close:", _("not healthy"))
        line = _("{part}: {state}").format(part=name, state=state)
        if part and part.heartbeat:
            line = _("{part}: {state}, last heartbeat {moment}").format(
                part=name, state=state, moment=format_utc(part.heartbeat)
            )
        lines.append(f":small[{icon} {line}]")
    st.markdown("  \n".join(lines))
