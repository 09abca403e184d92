"""Model page: versions in the registry, their metrics and artifacts, gate decisions, comparison and rollback."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from ml.core.names import MODEL_NAME
from ui import banners, services
from ui.clients.api_models import ServedModel
from ui.clients.errors import ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.services import ServingState

TRAINING: Final = "train_models_diabetes_simple"


def _draw_versions(state: ServingState) -> None:
    # Importing the table code takes a second and the chart code another one, once per process: the header comes first.
    from ui.model import current_versions, decisions, registry_snapshot, roll_back
    from ui.model.artifacts import artifacts_view

    with st.spinner(_("Reading the registry…")):
        snapshot = registry_snapshot.fetch_snapshot(state)
    if isinstance(snapshot, ServiceError) or not snapshot.versions:
        is_served = isinstance(state.served, ServedModel)
        if isinstance(snapshot, ServiceError) and not is_served:
            banners.service_error(snapshot)
        if isinstance(snapshot, ServiceError) or is_served:
            current_versions.draw(state, snapshot)
        return

    def compare() -> None:
        from ui.model import comparison

        comparison.draw(snapshot)

    views: dict[str, tuple[str, Callable[[], None]]] = {
        "overview": (_("Production and challenger"), partial(current_versions.draw, state, snapshot)),
        "artifacts": (_("Plots and report"), partial(artifacts_view.draw, snapshot)),
        "decisions": (_("Decisions"), partial(decisions.draw, snapshot)),
        "compare": (_("Compare"), compare),
        "roll-back": (_("Roll back"), partial(roll_back.draw, snapshot)),
    }
    view = st.segmented_control(
        _("View"),
        list(views),
        format_func=lambda view: views[view][0],
        default="overview",
        required=True,
        key="view",
        label_visibility="collapsed",
    )
    views[view or "overview"][1]()  # only the selected view sends requests


def _draw_links(state: ServingState) -> None:
    settings = services.settings()
    mlflow = f"{settings.mlflow_public_url.rstrip('/')}/#/models/{MODEL_NAME}"
    if isinstance(state.registered, RegisteredVersion):
        mlflow = f"{mlflow}/versions/{state.registered.version}"
    airflow, api = (url.rstrip("/") for url in (settings.airflow_public_url, settings.api_public_url))
    st.header(_("Links"))
    with st.container(horizontal=True):
        st.link_button(_("Model in MLflow"), mlflow, icon=":material/inventory_2:")
        st.link_button(_("Training in Airflow"), f"{airflow}/dags/{TRAINING}", icon=":material/account_tree:")
        st.link_button(_("API reference"), f"{api}/docs", icon=":material/api:")


state = banners.header(_("Model"))
banners.unavailable(state)
_draw_versions(state)
_draw_links(state)
st.markdown(f":small[{banners.disclaimer()}]")
