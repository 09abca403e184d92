"""Header of every page: title, badges of the serving state, and what to do when no model is available."""

import streamlit as st

from ml.core.names import MODEL_NAME
from ui import services
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.i18n.messages import message
from ui.i18n.wording import error_text, escape
from ui.services import ServingState


def disclaimer() -> str:
    """Text for every place that shows figures of a patient."""
    return _("Not for clinical use: a demonstration on historical data (1999 to 2008).")


def header(title: str) -> ServingState:
    """Title and status badges; returns the serving state, which may take a moment."""
    with st.spinner(_("Checking the services…")):
        state = services.serving_state()
    st.title(title)
    status_badges(state)
    return state


def status_badges(state: ServingState) -> None:
    """Production version in MLflow, version served by the API, and how they differ."""
    with st.container(horizontal=True, gap="small"):
        match state.registered:
            case RegisteredVersion(name=name, version=version):
                text = _("Production in MLflow: {name} version {version}")
                st.badge(text.format(name=name, version=version), icon=":material/verified:")
            case NoModelYet():
                st.badge(_("MLflow has no production version of {name}").format(name=MODEL_NAME), color="orange")
            case _error:
                st.badge(_("MLflow: no answer"), color="orange", icon=":material/cloud_off:")
        match state.served:
            case ServedModel(version=version):
                text = _("Served by the API: version {version}").format(version=version)
                st.badge(text, color="green", icon=":material/check:")
            case NoModelYet():
                st.badge(_("The API has no model yet"), color="orange", icon=":material/hourglass:")
            case _error:
                st.badge(_("API: no answer"), color="red", icon=":material/cloud_off:")
    if isinstance(state.served, ServedModel):
        _differences(state, state.served)
    if state.is_synthetic:
        st.warning(_("**Trained on synthetic data: not for any real patient.**"), icon=":material/science:")


def _differences(state: ServingState, served: ServedModel) -> None:
    registered = state.registered
    if served.refused:
        text = _("The API refused version {refused} ({reason}) and still serves version {served}.").format(
            refused=escape(served.refused.version),
            reason=escape(message(served.refused.reason.rstrip("."))),
            served=served.version,
        )
        st.warning(text, icon=":material/gpp_maybe:")
    elif isinstance(registered, RegisteredVersion) and served.version != registered.version:
        text = _(
            "Production is version {registered}, the API still serves version {served}: "
            "it follows within 15 seconds, unless the new version fails its checks."
        )
        st.info(text.format(registered=registered.version, served=served.version), icon=":material/sync:")
        poll_for_change(state.fingerprint)
    if isinstance(registered, ServiceError) and not isinstance(registered, NoModelYet):
        text = _("Predictions continue with version {version}, the last one the API loaded.")
        line = f"{escape(error_text(registered))} {text.format(version=served.version)}"
        st.info(line, icon=":material/cloud_off:")


def unavailable(state: ServingState) -> None:
    """Why predictions are unavailable, and polling until they are available; nothing while a model is served."""
    if isinstance(state.served, ServedModel):
        return
    if state.has_no_model:
        st.info(_("No model yet: this page shows the steps to a first one."), icon=":material/rocket_launch:")
        st.page_link("app_pages/overview.py", label=_("Overview"), icon=":material/home:")
    elif not isinstance(state.served, NoModelYet):
        text = _("This page continues by itself as soon as it answers.")
        st.error(f"{escape(error_text(state.served))} {text}", icon=":material/cloud_off:")
    elif isinstance(state.registered, RegisteredVersion):
        text = _("The API is loading version {version}, which takes up to 15 seconds. Its answer: {detail}.").format(
            version=state.registered.version, detail=escape(message(state.served.detail.rstrip(".")))
        )
        st.info(text, icon=":material/hourglass:")
    else:
        text = _("The API has no model, and the model registry is unavailable.")
        st.error(f"{text} {escape(error_text(state.registered))}", icon=":material/cloud_off:")
    st.button(_("Check again"), icon=":material/refresh:", on_click=services.refresh, key="check-again")
    poll_for_change(state.fingerprint)


@st.fragment(run_every="5s")
def poll_for_change(fingerprint: tuple[object, ...]) -> None:
    """Rerun the page once the serving state differs from ``fingerprint``."""
    if services.serving_state().fingerprint != fingerprint:
        st.rerun()


def service_error(error: ServiceError) -> None:
    """An error of one request."""
    st.error(escape(error_text(error)), icon=":material/error:")
