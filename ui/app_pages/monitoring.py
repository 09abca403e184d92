"""Monitoring: what is asked of the model, how it answers, and whether it is still good."""

import streamlit as st

from ui import banners, services
from ui.i18n.language import _
from ui.monitoring import links, live

with st.spinner(_("Checking the services…")):
    picture = services.serving_state()
banners.header(_("Monitoring"), picture)
live.draw()
links.draw(picture)
st.markdown(f":small[{banners.disclaimer()}]")
