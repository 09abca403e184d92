"""The header and the states: which model speaks, and what to do when none does."""

import re

import streamlit as st

from ml.names import MODEL_NAME
from ui import services
from ui.answers import RegisteredVersion, ServedModel
from ui.api_client import NoModelYet, ServiceError
from ui.services import Picture

NOT_CLINICAL = "Not for clinical use: a demonstration on historical data (1999 to 2008)."


def plain(text: object) -> str:
    """Text of a service or a person, shown as it is: nothing in it is taken for Markdown."""
    return re.sub(r"([\\`*_\[\]$:~<>#|])", r"\\\1", str(text))


def header(title: str, picture: Picture) -> None:
    """Title, the production model by MLflow's word, the version the API serves, and what is amiss."""
    st.title(title)
    with st.container(horizontal=True, gap="small"):
        if isinstance(picture.registered, RegisteredVersion):
            found = picture.registered
            st.badge(f"Production in MLflow: {found.name} version {found.version}", icon=":material/verified:")
        elif isinstance(picture.registered, NoModelYet):
            st.badge(f"MLflow has no production version of {MODEL_NAME}", color="orange")
        else:
            st.badge("MLflow: no answer", color="orange", icon=":material/cloud_off:")
        if isinstance(picture.served, ServedModel):
            st.badge(f"Served by the API: version {picture.served.version}", color="green", icon=":material/check:")
        elif isinstance(picture.served, NoModelYet):
            st.badge("The API has no model yet", color="orange", icon=":material/hourglass:")
        else:
            st.badge("API: no answer", color="red", icon=":material/cloud_off:")
    _differences(picture)
    if picture.is_synthetic:
        st.warning("**Trained on synthetic data: not for any real patient.**", icon=":material/science:")


def _differences(picture: Picture) -> None:
    registered, served = picture.registered, picture.served
    if not isinstance(served, ServedModel):
        return
    if served.refused:
        st.warning(
            f"The API refused version {plain(served.refused.version)} ({plain(served.refused.reason.rstrip('.'))}) "
            f"and goes on serving version {served.version}.",
            icon=":material/gpp_maybe:",
        )
    elif isinstance(registered, RegisteredVersion) and served.version != registered.version:
        st.info(
            f"Production is version {registered.version}, the API still serves version {served.version}: "
            "it follows within 15 seconds, unless the new version fails its checks.",
            icon=":material/sync:",
        )
    if isinstance(registered, ServiceError) and not isinstance(registered, NoModelYet):
        st.info(
            f"{plain(registered)} Predictions go on with version {served.version}, the last one the API loaded.",
            icon=":material/cloud_off:",
        )


def trouble(picture: Picture) -> bool:
    """Draw why there is no prediction to be had, and keep looking; False when all is well."""
    if isinstance(picture.served, ServedModel):
        return False
    if picture.has_no_model:
        _first_model()
    elif isinstance(picture.served, NoModelYet) and isinstance(picture.registered, RegisteredVersion):
        st.info(
            f"The API is loading version {picture.registered.version}, which takes up to 15 seconds. "
            f"It says: {plain(str(picture.served).rstrip('.'))}.",
            icon=":material/hourglass:",
        )
    elif isinstance(picture.served, NoModelYet):
        st.error(
            f"The API has no model, and the registry it would get one from is away. {plain(picture.registered)}",
            icon=":material/cloud_off:",
        )
    else:
        st.error(
            f"{plain(picture.served)} This page goes on by itself as soon as it answers.", icon=":material/cloud_off:"
        )
    st.button("Check again", icon=":material/refresh:", on_click=services.look_again, key="check-again")
    _keep_looking(picture.kinds)
    return True


def _first_model() -> None:
    airflow = services.settings().airflow_public_url.rstrip("/")
    with st.container(border=True):
        st.subheader("No model yet")
        st.markdown(
            f"""
Predictions need a first production model. It takes a few minutes:

1. Open [Airflow]({airflow}) and log in.
2. Enable and trigger [ingest_diabetes]({airflow}/dags/ingest_diabetes): it fetches the data and splits it.
3. When its run is green, enable and trigger
   [train_models_diabetes_simple]({airflow}/dags/train_models_diabetes_simple): it trains, checks and
   promotes the model.

The API picks the model up by itself, and this page goes on as soon as it does.
"""
        )


@st.fragment(run_every="5s")
def _keep_looking(seen: tuple[type, type]) -> None:
    """Ask again every few seconds without redrawing the page, until something has changed."""
    if services.picture().kinds != seen:
        st.rerun()


def failure(error: ServiceError) -> None:
    """A fault of one request, in one sentence."""
    st.error(plain(error), icon=":material/error:")
