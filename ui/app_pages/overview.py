"""Overview page: the served model, or the steps to a first one, and the health of all services."""

import streamlit as st

from ui import banners, services
from ui.clients.api_models import ServedModel
from ui.i18n.language import _
from ui.overview import guide, health_view, served_model

st.title(_("Overview"))
top = st.container()
health_view.draw()  # below the model, but drawn first: polling the health never takes long

with top:
    with st.spinner(_("Checking the services…")):
        state = services.serving_state()
    banners.status_badges(state)
    if isinstance(state.served, ServedModel):
        served_model.draw(state.served)
    elif guide.is_needed(state):
        guide.draw(state)
    else:
        banners.unavailable(state)
    served_model.draw_page_links()
