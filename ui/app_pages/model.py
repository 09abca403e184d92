"""Model page: versions in the registry, their metrics and artifacts, gate decisions, comparison and rollback."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from ml.core.names import MODEL_NAME
from ui import banners, health
from ui.address import choices
from ui.clients.api_models import ServedModel
from ui.clients.errors import Service, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.model.choices import CHOICES
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

    def thresholds() -> None:
        from ui.thresholds import view

        view.draw(snapshot)

    views: dict[str, tuple[str, Callable[[], None]]] = {
        "overview": (_("Production and challenger"), partial(current_versions.draw, state, snapshot)),
        "artifacts": (_("Plots and report"), partial(artifacts_view.draw, snapshot)),
        "decisions": (_("Decisions"), partial(decisions.draw, snapshot)),
        "thresholds": (_("Capacity and threshold"), thresholds),
        "compare": (_("Compare"), compare),
        "roll-back": (_("Roll back"), partial(roll_back.draw, snapshot)),
    }
    choices.preset("view", "overview", views)
    view = st.segmented_control(
        _("View"),
        list(views),
        format_func=lambda view: views[view][0],
        required=True,
        key="view",
        label_visibility="collapsed",
        persist_state="session",
    )
    views[view or "overview"][1]()  # only the selected view sends requests
    CHOICES.write()


def _draw_links(state: ServingState) -> None:
    if not any(health.answers(service) for service in (Service.MLFLOW, Service.AIRFLOW, Service.API)):
        return
    version = f"/versions/{state.registered.version}" if isinstance(state.registered, RegisteredVersion) else ""
    st.header(_("Links"))
    with st.container(horizontal=True):
        health.link(Service.MLFLOW, _("Model in MLflow"), f"/#/models/{MODEL_NAME}{version}", "inventory_2")
        health.link(Service.AIRFLOW, _("Training in Airflow"), f"/dags/{TRAINING}", "account_tree")
        health.link(Service.API, _("API reference"), "/docs", "api")


state = banners.header(_("Model"))
banners.unavailable(state)
CHOICES.load()
_draw_versions(state)
_draw_links(state)
st.markdown(f":small[{banners.disclaimer()}]")
