"""The parts of the Model page."""

from datetime import UTC

import streamlit as st

from ml.names import MODEL_NAME
from ml.schema import CITATION
from ui import notices, services
from ui.answers import SYNTHETIC, Interval, RegisteredVersion, ServedModel
from ui.services import Picture

METRICS = {
    "auroc": ("AUROC", "How often a readmitted patient is ranked above one who is not; 0.5 is chance."),
    "average_precision": ("Average precision", "Precision over all thresholds; chance equals the prevalence."),
    "brier": ("Brier score", "Mean squared error of the probability; lower is better."),
    "ece": ("Calibration error", "Mean distance between predicted and observed risk; lower is better."),
}


def provenance(model: ServedModel) -> None:
    """Version, algorithm and where the data came from."""
    data = "Synthetic cohort" if model.data_source == SYNTHETIC else "Diabetes 130-US hospitals (UCI 296)"
    st.subheader("The model that answers")
    st.table(
        {
            "Name": model.name,
            "Version": model.version,
            "Algorithm": model.algorithm,
            "Data": data,
            "Data version": model.data_version,
            "Trained": f"{model.trained_at.astimezone(UTC):%d %B %Y, %H:%M} UTC",
            "Prevalence": f"{model.prevalence:.1%} readmitted within 30 days",
        },
        border="horizontal",
        alt="The model that answers, and what it was trained on",
    )
    if model.data_source != SYNTHETIC:
        st.markdown(f":small[{CITATION.replace('[data set]', '(data set)')}]")


def metrics(model: ServedModel) -> None:
    """How good it is on patients it has never seen."""
    st.subheader("Measured on held-out patients")
    rows = [(*METRICS.get(name, (name, "")), interval) for name, interval in model.metrics.items()]
    st.table(
        {
            "Metric": [label for label, _, _ in rows],
            "Value": [_figure(interval) for _, _, interval in rows],
            "95% interval": [_interval(interval) for _, _, interval in rows],
            "What it says": [meaning for _, meaning, _ in rows],
        },
        border="horizontal",
        hide_index=True,
        alt="Metrics of the model with their intervals",
    )
    st.markdown(":small[Intervals by bootstrap over patients: all encounters of a patient are drawn together.]")


def registry_only(version: RegisteredVersion) -> None:
    """What the registry tells of the production version while the API is away."""
    st.subheader("The production version in the registry")
    st.table(
        {
            "Name": version.name,
            "Version": version.version,
            **{tag.key: notices.plain(tag.value) for tag in version.tags},
        },
        border="horizontal",
        alt="The production version and its tags",
    )


def links(picture: Picture) -> None:
    """Ways into the services behind the model."""
    given = services.settings()
    version = picture.registered.version if isinstance(picture.registered, RegisteredVersion) else None
    model_url = f"{given.mlflow_public_url.rstrip('/')}/#/models/{MODEL_NAME}"
    st.subheader("Look behind it")
    with st.container(horizontal=True):
        st.link_button(
            "Model in MLflow",
            f"{model_url}/versions/{version}" if version else model_url,
            icon=":material/inventory_2:",
        )
        st.link_button(
            "Training in Airflow", f"{given.airflow_public_url.rstrip('/')}/dags", icon=":material/account_tree:"
        )
        st.link_button("API reference", f"{given.api_public_url.rstrip('/')}/docs", icon=":material/api:")


def _figure(interval: Interval) -> str:
    return "not measured" if interval.value is None else f"{interval.value:.4f}"


def _interval(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "not measured"
    return f"{interval.low:.4f} to {interval.high:.4f}"
