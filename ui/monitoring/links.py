"""Links to Grafana's dashboards, Airflow, MLflow, Locust, Prometheus and Alertmanager."""

import streamlit as st

from ml.core.names import MONITORING_EXPERIMENT
from ui import services
from ui.clients.errors import ServiceError
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
    """All links of the page."""
    settings = services.settings()
    grafana, airflow = (url.rstrip("/") for url in (settings.grafana_public_url, settings.airflow_public_url))
    st.subheader(_("Links"))
    with st.container(horizontal=True):
        for uid, title in dashboards().items():
            st.link_button(title, f"{grafana}/d/{uid}", icon=":material/dashboard:")
    with st.container(horizontal=True):
        dag = f"{airflow}/dags/monitor_diabetes"
        st.link_button(_("monitor_diabetes in Airflow"), dag, icon=":material/account_tree:")
        st.link_button(_("Drift reports in MLflow"), _reports_url(state), icon=":material/description:")
        st.link_button(_("Load test in Locust"), settings.locust_public_url, icon=":material/speed:")
        # Its first page: the path of its alerts page differs between Debian's program and others.
        st.link_button("Prometheus", settings.prometheus_public_url, icon=":material/monitoring:")
        st.link_button("Alertmanager", settings.alertmanager_public_url, icon=":material/notifications:")
    text = _("Docker Compose includes Grafana; the native stack has it where its program is installed.")
    st.markdown(f":small[{text}]")


def _reports_url(state: ServingState) -> str:
    """The experiment of the drift reports; the list of experiments if MLflow does not answer or has none yet."""
    experiments = f"{services.settings().mlflow_public_url.rstrip('/')}/#/experiments"
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
