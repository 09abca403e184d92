"""Shows plots, report or model card of a version; only the selected kind is fetched."""

import functools
import re
from typing import Final

import streamlit as st

from ui import banners, services
from ui.address import choices
from ui.clients.errors import ServiceError, result_or_error
from ui.clients.mlflow import File, Run
from ui.i18n.language import _, current_language, decimal
from ui.metrics import format_metric, label, run_metrics
from ui.model.artifacts import store
from ui.model.artifacts.captions import caption
from ui.model.artifacts.sandbox import sandboxed
from ui.model.registry_snapshot import RegistrySnapshot, fetch_runs
from ui.model.version_select import select_version

REPORT_HEIGHT: Final = 800


def draw(snapshot: RegistrySnapshot) -> None:
    """Controls for version and kind, then the artifacts."""
    st.header(_("Plots, report and model card"))
    version = select_version(
        snapshot, _("Version"), "artifacts-version", snapshot.production or snapshot.versions[0]
    ).version
    kinds = {"plots": (_("Plots"), _plots), "report": (_("Report"), _report), "card": (_("Model card"), _card)}
    choices.preset("artifacts-kind", "plots", kinds)
    kind = st.segmented_control(
        _("Artifacts"),
        list(kinds),
        format_func=lambda kind: kinds[kind][0],
        required=True,
        key="artifacts-kind",
        persist_state="session",
    )
    runs = fetch_runs(snapshot.version(version))
    if isinstance(runs, ServiceError):
        banners.service_error(runs)
    elif (run := runs[0]) is None:
        st.info(_("The run of version {version} was deleted from MLflow.").format(version=version))
    else:
        kinds[kind or "plots"][1](version, run)
        mlflow = services.settings().mlflow_public_url.rstrip("/")
        url = f"{mlflow}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts"
        st.link_button(_("All files of the run in MLflow"), url, icon=":material/folder_open:")


def _plots(version: str, run: Run) -> None:
    folders = dict.fromkeys((current_language().folder(store.PLOTS), store.PLOTS))
    with st.spinner(_("Fetching the plots…")):
        for folder in folders:
            plots = result_or_error(functools.partial(store.plots, run.info.run_id, folder))
            if plots:
                break
    if isinstance(plots, ServiceError):
        banners.service_error(plots)
        return
    if not plots:
        _no_artifact(version)
    elif folder != next(iter(folders)):
        st.info(_("Version {version} has its plots in English only.").format(version=version))
    metrics, places = run_metrics(run), st.columns(2)
    for number, plot in enumerate(plots):
        title, text, metric = caption(plot.name)
        if metric in metrics:
            text = f"{text} {label(metric)}: {format_metric(metrics[metric])}."
        with places[number % 2]:
            st.subheader(title)
            if plot.content is None:
                st.info(_("This plot is too large to be shown here, or was deleted."))
            else:
                st.image(plot.content, alt=f"{title}. {text}", width="stretch")
            st.markdown(f":small[{text}]")


def _report(version: str, run: Run) -> None:
    content = _fetch_in_language(version, run, store.REPORT)
    if content is None:
        return
    title = _("Report of version {version}").format(version=version)
    st.markdown(_("The report is shown without scripts; downloaded, it opens in any browser."))
    _download(_("Download the report"), content, f"report-version-{version}.html", "text/html")
    with st.container(key="as-the-service-says-report"):
        st.iframe(sandboxed(content.decode("utf-8", "replace"), title), height=REPORT_HEIGHT, alt=title)


def _card(version: str, run: Run) -> None:
    content = _fetch_in_language(version, run, store.CARD)
    if content is None:
        return
    _download(_("Download the model card"), content, f"model-card-version-{version}.md", "text/markdown")
    with st.container(border=True, key="as-the-service-says-card"):
        st.markdown(embeddable(content.decode("utf-8", "replace")))


def embeddable(card: str) -> str:
    """The card without comments and images, with its headings two levels lower than in its file."""
    card = re.sub(r"<!--.*?-->\s*", "", card, flags=re.DOTALL).replace("![", "!\\[")
    return re.sub(r"^(#{1,4}) ", r"##\1 ", card, flags=re.MULTILINE)


def _download(label: str, content: bytes, name: str, mime: str) -> None:
    st.download_button(label, content, name, mime, icon=":material/download:", on_click="ignore", key="download")


def _fetch_in_language(version: str, run: Run, name: str) -> bytes | None:
    """A text file in the language of the page; in English, after saying so, if the run has no other."""
    names = dict.fromkeys((current_language().file(name), name))
    with st.spinner(_("Fetching…")):
        for present in names:
            content = result_or_error(functools.partial(store.text, run.info.run_id, present))
            if content is not None:
                break
    if isinstance(content, bytes) and present != next(iter(names)):
        st.info(_("Version {version} has this document in English only.").format(version=version))
    return _bytes_or_explain(version, content)


def _bytes_or_explain(version: str, content: bytes | File | ServiceError | None) -> bytes | None:
    """The content; None, after an explanation on the page, if it cannot be shown."""
    match content:
        case bytes():
            return content
        case ServiceError():
            banners.service_error(content)
        case File():
            text = _("It is {size} MB large, too much for this page: open it in MLflow.")
            st.info(text.format(size=decimal(content.file_size / 2**20, 1)))
        case None:
            _no_artifact(version)
    return None


def _no_artifact(version: str) -> None:
    text = _(
        "The run of version {version} has no artifact of this kind. A new version gets its report about a minute "
        "after the decision of the gate."
    )
    st.info(text.format(version=version))
