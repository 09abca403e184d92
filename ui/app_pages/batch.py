"""Batch page: scores a CSV file, and returns its rows by risk."""

import streamlit as st

from ui import banners, services
from ui.batch import upload, upload_form, view
from ui.batch.csv_file import UnreadableError
from ui.batch.scoring import ScoringJob
from ui.i18n.language import _

with st.spinner(_("Checking the services…")):
    state = services.serving_state()
banners.header(_("Batch"), state)
banners.unavailable(state)
if not state.has_no_model:
    upload_form.draw()
    match upload.current():
        case UnreadableError() as error:
            upload_form.draw_unreadable(error)
        case ScoringJob() as job:
            view.draw(job)
