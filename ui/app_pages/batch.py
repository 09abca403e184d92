"""Batch: a file in, checked line by line, and its lines by risk out."""

import streamlit as st

from ui import banners, services
from ui.batch import upload, upload_form, view
from ui.i18n.language import _

with st.spinner(_("Asking the services…")):
    picture = services.picture()
banners.header(_("Batch"), picture)
banners.trouble(picture)
if picture.has_no_model:
    st.stop()

upload_form.draw()
given = upload.current()
if given and given.scoring:
    view.draw(given.scoring)
