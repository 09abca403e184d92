"""Monitoring page: traffic, alerts, drift and quality of the model in service."""

import streamlit as st

from ui import banners
from ui.i18n.language import _
from ui.monitoring import links, live

state = banners.header(_("Monitoring"))
live.draw()
links.draw(state)
st.markdown(f":small[{banners.disclaimer()}]")
