"""The header and the states: which model speaks, and what to do when none does."""

import streamlit as st

from ml.core.names import MODEL_NAME
from ui import services
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.i18n.wording import plain, sentence
from ui.services import ServingState


def not_clinical() -> str:
    """What belongs beside every figure of a patient."""
    return _("Not for clinical use: a demonstration on historical data (1999 to 2008).")


def header(title: str, picture: ServingState) -> None:
    """Title, and beneath it which model speaks."""
    st.title(title)
    states(picture)


def states(picture: ServingState) -> None:
    """The production model by MLflow's word, the version the API serves, and what is amiss."""
    with st.container(horizontal=True, gap="small"):
        if isinstance(picture.registered, RegisteredVersion):
            text = _("Production in MLflow: {name} version {version}")
            found = picture.registered
            st.badge(text.format(name=found.name, version=found.version), icon=":material/verified:")
        elif isinstance(picture.registered, NoModelYet):
            st.badge(_("MLflow has no production version of {name}").format(name=MODEL_NAME), color="orange")
        else:
            st.badge(_("MLflow: no answer"), color="orange", icon=":material/cloud_off:")
        if isinstance(picture.served, ServedModel):
            text = _("Served by the API: version {version}").format(version=picture.served.version)
            st.badge(text, color="green", icon=":material/check:")
        elif isinstance(picture.served, NoModelYet):
            st.badge(_("The API has no model yet"), color="orange", icon=":material/hourglass:")
        else:
            st.badge(_("API: no answer"), color="red", icon=":material/cloud_off:")
    _differences(picture)
    if picture.is_synthetic:
        st.warning(_("**Trained on synthetic data: not for any real patient.**"), icon=":material/science:")


def _differences(picture: ServingState) -> None:
    registered, served = picture.registered, picture.served
    if not isinstance(served, ServedModel):
        return
    if served.refused:
        text = _("The API refused version {refused} ({reason}) and goes on serving version {served}.").format(
            refused=plain(served.refused.version),
            reason=plain(served.refused.reason.rstrip(".")),
            served=served.version,
        )
        st.warning(text, icon=":material/gpp_maybe:")
    elif isinstance(registered, RegisteredVersion) and served.version != registered.version:
        text = _(
            "Production is version {registered}, the API still serves version {served}: "
            "it follows within 15 seconds, unless the new version fails its checks."
        )
        st.info(text.format(registered=registered.version, served=served.version), icon=":material/sync:")
        keep_looking(picture.state)
    if isinstance(registered, ServiceError) and not isinstance(registered, NoModelYet):
        goes_on = _("Predictions go on with version {version}, the last one the API loaded.")
        st.info(f"{plain(sentence(registered))} {goes_on.format(version=served.version)}", icon=":material/cloud_off:")


def trouble(picture: ServingState) -> bool:
    """Draw why there is no prediction to be had, and keep looking; False when all is well."""
    if isinstance(picture.served, ServedModel):
        return False
    if picture.has_no_model:
        first_model()
    elif isinstance(picture.served, NoModelYet) and isinstance(picture.registered, RegisteredVersion):
        text = _("The API is loading version {version}, which takes up to 15 seconds. It says: {said}.").format(
            version=picture.registered.version, said=plain(picture.served.said.rstrip("."))
        )
        st.info(text, icon=":material/hourglass:")
    elif isinstance(picture.served, NoModelYet) and isinstance(picture.registered, ServiceError):
        text = _("The API has no model, and the registry it would get one from is away.")
        st.error(f"{text} {plain(sentence(picture.registered))}", icon=":material/cloud_off:")
    elif isinstance(picture.served, ServiceError):
        text = _("This page goes on by itself as soon as it answers.")
        st.error(f"{plain(sentence(picture.served))} {text}", icon=":material/cloud_off:")
    st.button(_("Check again"), icon=":material/refresh:", on_click=services.look_again, key="check-again")
    keep_looking(picture.state)
    return True


def first_model() -> None:
    """How to get a first production model."""
    airflow = services.settings().airflow_public_url.rstrip("/")
    with st.container(border=True):
        st.subheader(_("No model yet"))
        text = _(
            """Predictions need a first production model. It takes a few minutes:

1. Open [Airflow]({airflow}) and log in.
2. Enable and trigger [ingest_diabetes]({airflow}/dags/ingest_diabetes): it fetches the data and splits it.
3. When its run is green, enable and trigger
   [train_models_diabetes_simple]({airflow}/dags/train_models_diabetes_simple): it trains, checks and
   promotes the model.

The API picks the model up by itself, and this page goes on as soon as it does."""
        )
        st.markdown(text.format(airflow=airflow))


@st.fragment(run_every="5s")
def keep_looking(seen: tuple[object, ...]) -> None:
    """Ask again every few seconds without redrawing the page, until something has changed."""
    if services.picture().state != seen:
        st.rerun()


def failure(error: ServiceError) -> None:
    """A fault of one request, in one sentence."""
    st.error(plain(sentence(error)), icon=":material/error:")
