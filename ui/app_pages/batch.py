"""Batch page: scores a CSV file, and returns its rows by risk."""

import streamlit as st

from ui import banners, services
from ui.batch import upload, upload_form, view
from ui.i18n.language import _

with st.spinner(_("Checking the services…")):
    state = services.serving_state()
banners.header(_("Batch"), state)
banners.unavailable(state)
if not state.has_no_model:
    upload_form.draw()
    current = upload.current()
    if current and current.job:
        view.draw(current.job)
