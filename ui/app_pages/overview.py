"""Home: what is served, or how to get a first model; then the services at a glance."""

import streamlit as st

from ui import banners, services
from ui.clients.api_models import ServedModel
from ui.i18n.language import _
from ui.overview import guide, health_view, served_model

st.title(_("Overview"))
first = st.container()
# Stands below the model, and comes before it: a glance never takes long, whoever is slow.
health_view.draw()

with first:
    with st.spinner(_("Checking the services…")):
        picture = services.serving_state()
    banners.status_badges(picture)
    if isinstance(picture.served, ServedModel):
        served_model.served(picture.served)
    elif guide.is_needed(picture):
        guide.draw(picture)
    else:
        banners.unavailable(picture)
    served_model.ways_on()
