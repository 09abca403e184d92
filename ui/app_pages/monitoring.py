"""Monitoring page: traffic, alerts, drift and quality of the model in service."""

import streamlit as st

from ui import banners, services
from ui.i18n.language import _
from ui.monitoring import links, live

with st.spinner(_("Checking the services…")):
    state = services.serving_state()
banners.header(_("Monitoring"), state)
live.draw()
links.draw(state)
st.markdown(f":small[{banners.disclaimer()}]")
