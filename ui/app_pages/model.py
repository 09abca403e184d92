"""Model: what is in production and what might be, how good they are, what was decided, and going back."""

from enum import StrEnum

import streamlit as st

from ui import banners, services
from ui.clients.api_models import ServedModel
from ui.clients.errors import ServiceError
from ui.i18n.language import _
from ui.services import ServingState


class View(StrEnum):
    """The parts of the page; only the chosen one asks for what it needs."""

    OVERVIEW = "overview"
    EXHIBITS = "exhibits"
    DECISIONS = "decisions"
    COMPARE = "compare"
    ROLL_BACK = "roll-back"


def draw_versions(picture: ServingState) -> None:
    """What the registry has, and what the API serves of it."""
    # What draws tables takes a second to import, once per process, and charts another one: the header stands meanwhile.
    from ui.model import decisions, links, overview, registry_snapshot, roll_back
    from ui.model.artifacts import panel

    with st.spinner(_("Asking the registry…")):
        found = registry_snapshot.look(picture)

    if isinstance(found, registry_snapshot.RegistrySnapshot) and found.versions:
        names = {
            View.OVERVIEW: _("Production and challenger"),
            View.EXHIBITS: _("Plots and report"),
            View.DECISIONS: _("Decisions"),
            View.COMPARE: _("Compare"),
            View.ROLL_BACK: _("Roll back"),
        }
        view = st.segmented_control(
            _("View"),
            list(View),
            format_func=names.__getitem__,
            default=View.OVERVIEW,
            required=True,
            key="view",
            label_visibility="collapsed",
        )
        match view:
            case View.EXHIBITS:
                panel.draw(found)
            case View.DECISIONS:
                decisions.draw(found)
            case View.COMPARE:
                from ui.model import comparison

                comparison.draw(found)
            case View.ROLL_BACK:
                roll_back.draw(found)
            case _:
                overview.draw(picture, found)
    else:
        if isinstance(found, ServiceError) and not isinstance(picture.served, ServedModel):
            banners.service_error(found)
        if isinstance(picture.served, ServedModel) or isinstance(found, ServiceError):
            overview.draw(picture, found)
    links.draw(picture)


with st.spinner(_("Checking the services…")):
    picture = services.serving_state()
banners.header(_("Model"), picture)
banners.unavailable(picture)
draw_versions(picture)
st.markdown(f":small[{banners.disclaimer()}]")
