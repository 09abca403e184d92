"""Batch: a file in, checked line by line, and its lines by risk out."""

import streamlit as st

from ui import notices, services
from ui.batch import entry, upload, view
from ui.i18n.language import _

with st.spinner(_("Asking the services…")):
    picture = services.picture()
notices.header(_("Batch"), picture)
notices.trouble(picture)
if picture.has_no_model:
    st.stop()

entry.draw()
given = upload.current()
if given and given.scoring:
    view.draw(given.scoring)
