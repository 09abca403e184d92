"""The parts of the Model page."""

import streamlit as st

from ml.names import MODEL_NAME
from ml.schema import CITATION
from ui import services
from ui.clients.api_answers import SYNTHETIC, ServedModel
from ui.clients.mlflow import RegisteredVersion
from ui.language import _, decimal, moment, percent
from ui.services import Picture
from ui.wording import interval, plain


def meanings() -> dict[str, tuple[str, str]]:
    """Name and meaning of each figure."""
    return {
        "auroc": ("AUROC", _("How often a readmitted patient is ranked above one who is not; 0.5 is chance.")),
        "average_precision": (
            _("Average precision"),
            _("Precision over all thresholds; chance equals the prevalence."),
        ),
        "brier": (_("Brier score"), _("Mean squared error of the probability; lower is better.")),
        "ece": (_("Calibration error"), _("Mean distance between predicted and observed risk; lower is better.")),
    }


def provenance(model: ServedModel) -> None:
    """Version, algorithm and where the data came from."""
    data = _("Synthetic cohort") if model.data_source == SYNTHETIC else "Diabetes 130-US hospitals (UCI 296)"
    st.subheader(_("The model that answers"))
    st.table(
        {
            _("Name"): model.name,
            _("Version"): model.version,
            _("Algorithm"): model.algorithm,
            _("Data"): data,
            _("Data version"): model.data_version,
            _("Trained"): moment(model.trained_at),
            _("Prevalence"): _("{share} readmitted within 30 days").format(share=percent(model.prevalence)),
        },
        border="horizontal",
        alt=_("The model that answers, and what it was trained on"),
    )
    if model.data_source != SYNTHETIC:
        st.markdown(f":small[{CITATION.replace('[data set]', '(data set)')}]")


def metrics(model: ServedModel) -> None:
    """How good it is on patients it has never seen."""
    st.subheader(_("Measured on held-out patients"))
    known = meanings()
    rows = [(*known.get(name, (name, "")), figure) for name, figure in model.metrics.items()]
    st.table(
        {
            _("Metric"): [label for label, _meaning, _one in rows],
            _("Value"): [_figure(figure.value) for _label, _meaning, figure in rows],
            _("95% interval"): [interval(figure.low, figure.high) for _label, _meaning, figure in rows],
            _("What it says"): [meaning for _label, meaning, _one in rows],
        },
        border="horizontal",
        hide_index=True,
        alt=_("Metrics of the model with their intervals"),
    )
    text = _("Intervals by bootstrap over patients: all encounters of a patient are drawn together.")
    st.markdown(f":small[{text}]")


def registry_only(version: RegisteredVersion) -> None:
    """What the registry tells of the production version while the API is away."""
    st.subheader(_("The production version in the registry"))
    st.table(
        {
            _("Name"): version.name,
            _("Version"): version.version,
            **{tag.key: plain(tag.value) for tag in version.tags},
        },
        border="horizontal",
        alt=_("The production version and its tags"),
    )


def links(picture: Picture) -> None:
    """Ways into the services behind the model."""
    given = services.settings()
    version = picture.registered.version if isinstance(picture.registered, RegisteredVersion) else None
    model_url = f"{given.mlflow_public_url.rstrip('/')}/#/models/{MODEL_NAME}"
    st.subheader(_("Look behind it"))
    with st.container(horizontal=True):
        st.link_button(
            _("Model in MLflow"),
            f"{model_url}/versions/{version}" if version else model_url,
            icon=":material/inventory_2:",
        )
        st.link_button(
            _("Training in Airflow"), f"{given.airflow_public_url.rstrip('/')}/dags", icon=":material/account_tree:"
        )
        st.link_button(_("API reference"), f"{given.api_public_url.rstrip('/')}/docs", icon=":material/api:")


def _figure(value: float | None) -> str:
    return _("not measured") if value is None else decimal(value, 4)
