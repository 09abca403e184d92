"""The Streamlit app. Start it from the root of the repository:

``PYTHONPATH=. streamlit run ui/app.py``
"""

import streamlit as st

from ml.errors import SettingsError
from ui import services

st.set_page_config(
    page_title="30-day readmission risk",
    page_icon=":material/monitor_heart:",
    layout="wide",
    menu_items={"Get help": None, "Report a bug": None, "About": "Calibrated 30-day hospital readmission risk."},
)

page = st.navigation(
    [
        st.Page("app_pages/predict.py", title="Predict", icon=":material/stethoscope:", default=True),
        st.Page("app_pages/model.py", title="Model", icon=":material/analytics:"),
    ],
    position="top",
)

try:
    services.settings()
except SettingsError as error:
    st.error(str(error), icon=":material/settings_alert:")
    st.stop()

page.run()
