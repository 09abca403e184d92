"""The Streamlit app: settings, language and navigation, then the page. :mod:`ui.server` runs it."""

from pathlib import Path

import streamlit as st

from ml.core.errors import SettingsError
from ui import services
from ui.i18n import language
from ui.i18n.language import _
from ui.i18n.wording import escape
from ui.predict import fields

st.set_page_config(
    page_title="30-day readmission risk",
    page_icon=Path(__file__).with_name("icon.svg").read_text(encoding="utf-8"),  # Material icons: a font host's
    layout="wide",
    menu_items={"Get help": None, "Report a bug": None, "About": "Calibrated 30-day hospital readmission risk."},
)

try:
    settings = services.settings()
except SettingsError as error:
    st.error(str(error), icon=":material/settings_alert:")
    st.stop()

st.html(Path(__file__).with_name("style.css"))
with st.container(horizontal=True, horizontal_alignment="right"):
    language.selector(settings.ui_language, fields.preserve)

st.set_page_config(page_title=_("30-day readmission risk"))  # again, now in the language of the session

page = st.navigation(
    [
        st.Page("app_pages/overview.py", title=_("Overview"), icon=":material/home:", url_path="home"),
        st.Page("app_pages/predict.py", title=_("Prediction"), icon=":material/stethoscope:", default=True),
        st.Page("app_pages/batch.py", title=_("Batch"), icon=":material/table_rows:"),
        st.Page("app_pages/model.py", title=_("Model"), icon=":material/analytics:"),
        st.Page("app_pages/monitoring.py", title=_("Monitoring"), icon=":material/monitoring:"),
        st.Page("app_pages/runbooks.py", title=_("Runbooks"), icon=":material/menu_book:"),
    ],
    position="top",
)
try:
    page.run()
finally:  # also below a page that ends early with st.stop
    build = services.build()
    footer = _("Version {version} · commit {commit}").format(version=build.version, commit=build.short_commit)
    st.markdown(f":small[{escape(footer)}]")
