"""Batch."""

import streamlit as st

from ui import notices, services
from ui.language import _

with st.spinner(_("Asking the services…")):
    picture = services.picture()
notices.header(_("Batch"), picture)
