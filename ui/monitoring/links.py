"""Ways into the services that watch the platform."""

from typing import Final

import streamlit as st

from ml.core.names import MONITORING
from ui import services
from ui.clients.errors import ResponseModel, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.services import ServingState

DASHBOARDS: Final = ("api-model", "field", "services", "pipelines", "load-test")
"""Grafana's, by uid."""
DAG: Final = "monitor_diabetes"


class _Experiment(ResponseModel):
    experiment_id: str


class _ExperimentAnswer(ResponseModel):
    experiment: _Experiment


def draw(picture: ServingState) -> None:
    """Links into Grafana, Airflow, MLflow, Locust and Prometheus."""
    given = services.settings()
    grafana = given.grafana_public_url.rstrip("/")
    st.subheader(_("Look behind it"))
    with st.container(horizontal=True):
        for uid, title in zip(DASHBOARDS, _titles(), strict=True):
            st.link_button(title, f"{grafana}/d/{uid}", icon=":material/dashboard:")
    with st.container(horizontal=True):
        airflow = f"{given.airflow_public_url.rstrip('/')}/dags/{DAG}"
        st.link_button(_("monitor_diabetes in Airflow"), airflow, icon=":material/account_tree:")
        st.link_button(_("Drift reports in MLflow"), reports(picture), icon=":material/description:")
        st.link_button(_("Load test in Locust"), given.locust_public_url, icon=":material/speed:")
        # Its first page: that of alerts has one address in Debian's program and another one elsewhere.
        st.link_button("Prometheus", given.prometheus_public_url, icon=":material/notifications:")
    st.markdown(
        f":small[{_('Grafana is part of Docker Compose; a native stack has it where its program is installed.')}]"
    )


def _titles() -> tuple[str, ...]:
    return (
        _("Grafana: API and model"),
        _("Grafana: model in the field"),
        _("Grafana: containers and services"),
        _("Grafana: pipelines and registry"),
        _("Grafana: load test"),
    )


def reports(picture: ServingState) -> str:
    """The address of the reports' experiment; of all experiments where MLflow does not say which it is."""
    experiments = f"{services.settings().mlflow_public_url.rstrip('/')}/#/experiments"
    if not isinstance(picture.registered, RegisteredVersion):
        return experiments  # away, slow, or empty: it is not asked once more
    try:
        return f"{experiments}/{_number()}"
    except ServiceError:
        return experiments


@st.cache_resource(show_spinner=False)
def _number() -> str:
    """The experiment's number, which never changes; a fault is not cached."""
    asked = {"experiment_name": MONITORING}
    path = "/api/2.0/mlflow/experiments/get-by-name"
    return services.mlflow().fetch(_ExperimentAnswer, "GET", path, params=asked).experiment.experiment_id
