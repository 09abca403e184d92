"""Runbooks page: lists the runbooks, or shows the one that the address names (``/runbooks?name=ApiDown``)."""

from typing import Final

import streamlit as st

from ui.i18n.language import _, current_language
from ui.i18n.wording import escape
from ui.monitoring.alert_texts import meanings
from ui.runbooks import reader

PAGE: Final = "app_pages/runbooks.py"
LONGEST_NAME: Final = 80


def _draw_list() -> None:
    texts = meanings()
    for name in reader.names():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(PAGE, label=name, icon=":material/menu_book:", query_params={"name": name}, width=300)
            st.markdown(texts.get(name, ""), width="stretch")


name = st.query_params.get("name", "")
runbook = reader.read(name) if name else None
if runbook is None:
    st.title(_("Runbooks"))
    if name:
        text = _("There is no runbook with the name {name}. These are all runbooks:")
        st.error(text.format(name=escape(name[:LONGEST_NAME])), icon=":material/search_off:")
    st.markdown(_("What to do when an alert fires. The runbooks are in English."))
    _draw_list()
else:
    heading, _newline, body = runbook.partition("\n")
    st.title(heading.removeprefix("# "))
    st.page_link(PAGE, label=_("All runbooks"), icon=":material/arrow_back:")
    with st.container(key="as-the-service-says-runbook"):
        st.markdown(reader.rewrite_links(body, current_language()))
