"""Model: what answers, what it was trained on, how good it is."""

import streamlit as st

from ui import model_card, notices, services
from ui.clients.api_answers import ServedModel
from ui.clients.mlflow import RegisteredVersion
from ui.language import _

with st.spinner(_("Asking the services…")):
    picture = services.picture()
notices.header(_("Model"), picture)
notices.trouble(picture)

if isinstance(picture.served, ServedModel):
    model_card.provenance(picture.served)
    model_card.metrics(picture.served)
elif isinstance(picture.registered, RegisteredVersion):
    model_card.registry_only(picture.registered)
model_card.links(picture)
st.markdown(f":small[{notices.not_clinical()}]")
