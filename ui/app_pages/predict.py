"""Predict: a short form, the result beside it."""

from pathlib import Path

import streamlit as st

from ml.schema import BY_NAME
from ui import fields, notices, result, services
from ui.language import _

RESULT = "last-result"
STYLE = Path(__file__).parents[1] / "style.css"

with st.spinner(_("Asking the services…")):
    picture = services.picture()
notices.header(_("30-day readmission risk"), picture)
notices.trouble(picture)
if picture.has_no_model:
    st.stop()

st.html(STYLE)
entry, answer = st.columns([3, 2], gap="large")
with entry:
    st.subheader(_("Patient and stay"))
    with st.container(horizontal=True):
        st.button(_("Example patient"), icon=":material/person:", on_click=fields.fill_example, key="example")
        st.button(_("Reset"), icon=":material/restart_alt:", on_click=fields.clear, key="reset")
    with st.form("patient", border=False):
        for place, name in zip(st.columns(len(fields.FIRST)), fields.FIRST, strict=True):
            with place:
                fields.draw(BY_NAME[name])
        for group, columns in fields.further_groups().items():
            with st.expander(f"{_(group)} ({len(columns)})"):
                places = st.columns(2)
                for position, column in enumerate(columns):
                    with places[position % 2]:
                        fields.draw(column)
        asked = st.form_submit_button(
            _("Predict"), type="primary", icon=":material/play_arrow:", width="stretch", key="predict"
        )

with answer, st.container(key="result"):
    if asked:
        with st.spinner(_("Asking the model…")):
            st.session_state[RESULT] = result.ask(fields.record())
    result.draw(st.session_state.get(RESULT))
