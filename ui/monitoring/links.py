"""Links to Grafana's dashboards, Airflow, MLflow, Locust, Prometheus and Alertmanager, as far as they answer."""

import streamlit as st

from ml.core.names import MONITORING_EXPERIMENT
from ui import health, services
from ui.clients.errors import Service, ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.services import ServingState


def dashboards() -> dict[str, str]:
    """Titles of Grafana's dashboards by uid."""
    return {
        "api-model": _("Grafana: API and model"),
        "field": _("Grafana: model in the field"),
        "services": _("Grafana: containers and services"),
        "pipelines": _("Grafana: pipelines and registry"),
        "load-test": _("Grafana: load test"),
    }


def draw(state: ServingState) -> None:
    """Links to the services that answer; nothing if none does."""
    if not any(health.answers(service) for service in Service if service is not Service.API):
        return
    st.subheader(_("Links"))
    with st.container(horizontal=True):
        for uid, title in dashboards().items():
            health.link(Service.GRAFANA, title, f"/d/{uid}", "dashboard")
    with st.container(horizontal=True):
        dag = "/dags/monitor_diabetes"
        health.link(Service.AIRFLOW, _("monitor_diabetes in Airflow"), dag, "account_tree")
        health.link(Service.MLFLOW, _("Drift reports in MLflow"), _reports_path(state), "description")
        health.link(Service.LOCUST, _("Load test in Locust"), "", "speed")
        # Its first page: the path of its alerts page differs between Debian's program and others.
        health.link(Service.PROMETHEUS, "Prometheus", "", "monitoring")
        health.link(Service.ALERTMANAGER, "Alertmanager", "", "notifications")


def _reports_path(state: ServingState) -> str:
    """The experiment of the drift reports; the list of experiments if MLflow has none yet."""
    experiments = "/#/experiments"
    if not isinstance(state.registered, RegisteredVersion):
        return experiments
    try:
        return f"{experiments}/{_experiment_id()}"
    except ServiceError:
        return experiments


@st.cache_resource(show_spinner=False)
def _experiment_id() -> str:
    """Cached for good, since it never changes; an error is not cached."""
    params, path = {"experiment_name": MONITORING_EXPERIMENT}, "/api/2.0/mlflow/experiments/get-by-name"
    return services.mlflow().fetch(str, "GET", path, key="experiment.experiment_id", params=params)
