"""Ways into the services behind the model."""

import streamlit as st

from ml.core.names import MODEL_NAME
from ui import services
from ui.clients.mlflow import RegisteredVersion, Run
from ui.i18n.language import _
from ui.services import ServingState


def draw(picture: ServingState) -> None:
    """The model in MLflow, the pipelines in Airflow, the API's reference."""
    given = services.settings()
    version = picture.registered.version if isinstance(picture.registered, RegisteredVersion) else None
    model_url = f"{given.mlflow_public_url.rstrip('/')}/#/models/{MODEL_NAME}"
    st.header(_("Look behind it"))
    with st.container(horizontal=True):
        st.link_button(
            _("Model in MLflow"),
            f"{model_url}/versions/{version}" if version else model_url,
            icon=":material/inventory_2:",
        )
        airflow = f"{given.airflow_public_url.rstrip('/')}/dags"
        st.link_button(_("Training in Airflow"), airflow, icon=":material/account_tree:")
        st.link_button(_("API reference"), f"{given.api_public_url.rstrip('/')}/docs", icon=":material/api:")


def of_run(run: Run) -> str:
    """Where MLflow shows a run."""
    public = services.settings().mlflow_public_url.rstrip("/")
    return f"{public}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts"
