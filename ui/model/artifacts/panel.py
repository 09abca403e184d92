"""Plots, report and model card of a version, fetched when they are looked at."""

import re
from enum import StrEnum
from typing import Final

import streamlit as st

from ui import banners
from ui.clients.errors import ServiceError, result_or_error
from ui.clients.mlflow import RegisteredVersion, Run
from ui.i18n.language import _, decimal
from ui.model import links
from ui.model.artifacts import store
from ui.model.artifacts.captions import metric_of, said, title
from ui.model.artifacts.frame import framed
from ui.model.choice import version as choose
from ui.model.metrics import label, of_run, told
from ui.model.registry_snapshot import RegistrySnapshot, runs_of

REPORT_HEIGHT: Final = 800


class Kind(StrEnum):
    """What there is to look at."""

    PLOTS = "plots"
    REPORT = "report"
    CARD = "card"


def draw(shelf: RegistrySnapshot) -> None:
    """A version and one of the three, chosen; nothing else is fetched."""
    st.header(_("Plots, report and model card"))
    version = choose(shelf, _("Version"), "exhibit-version", shelf.production or shelf.versions[0])
    names = {Kind.PLOTS: _("Plots"), Kind.REPORT: _("Report"), Kind.CARD: _("Model card")}
    kind = st.segmented_control(
        _("What to look at"),
        list(Kind),
        format_func=names.__getitem__,
        default=Kind.PLOTS,
        required=True,
        key="exhibit",
    )
    runs = runs_of(version, None)
    if isinstance(runs, ServiceError):
        banners.service_error(runs)
    elif (run := runs[0]) is None:
        st.info(_("The run behind version {version} is gone from MLflow.").format(version=version.version))
    else:
        _SHOWN[kind or Kind.PLOTS](version, run)
        st.link_button(_("All files of the run in MLflow"), links.of_run(run), icon=":material/folder_open:")


def _plots(version: RegisteredVersion, run: Run) -> None:
    with st.spinner(_("Fetching the plots…")):
        found = result_or_error(lambda: store.pictures(run.info.run_id))
    if isinstance(found, ServiceError):
        banners.service_error(found)
        return
    if not found:
        _nothing(version)
    figures, places = of_run(run), st.columns(2)
    for number, picture in enumerate(found):
        figure = figures.get(metric := metric_of(picture.name))
        measured = f" {label(metric)}: {told(figure)}." if figure else ""
        with places[number % 2]:
            st.subheader(title(picture.name))
            if picture.content is None:
                st.info(_("This plot is too large to be shown here, or gone."))
            else:
                st.image(picture.content, alt=f"{title(picture.name)}. {said(picture.name)}{measured}", width="stretch")
            st.markdown(f":small[{said(picture.name)}{measured}]")


def _report(version: RegisteredVersion, run: Run) -> None:
    content = _text(version, run, store.REPORT)
    if content is None:
        return
    about = _("Report of version {version}").format(version=version.version)
    st.markdown(_("The report is in English. It is shown without scripts; downloaded, it opens in any browser."))
    st.download_button(
        _("Download the report"),
        content,
        f"report-version-{version.version}.html",
        "text/html",
        icon=":material/download:",
        on_click="ignore",
        key="download-report",
    )
    with st.container(key="as-the-service-says-report"):
        st.iframe(framed(content.decode("utf-8", "replace"), about), height=REPORT_HEIGHT, alt=about)


def _card(version: RegisteredVersion, run: Run) -> None:
    content = _text(version, run, store.CARD)
    if content is None:
        return
    st.download_button(
        _("Download the model card"),
        content,
        f"model-card-version-{version.version}.md",
        "text/markdown",
        icon=":material/download:",
        on_click="ignore",
        key="download-card",
    )
    st.markdown(_("The model card is in English."))
    with st.container(border=True, key="as-the-service-says-card"):
        st.markdown(readable(content.decode("utf-8", "replace")))


def readable(card: str) -> str:
    """The card as part of this page: without comments and pictures, its headings below those of the page."""
    card = re.sub(r"<!--.*?-->\s*", "", card, flags=re.DOTALL).replace("![", "!\\[")
    return re.sub(r"^(#{1,4}) ", r"##\1 ", card, flags=re.MULTILINE)


def _text(version: RegisteredVersion, run: Run, name: str) -> bytes | None:
    """A text file of the run; None, after saying why, where it cannot be had."""
    with st.spinner(_("Fetching…")):
        found = result_or_error(lambda: store.text(run.info.run_id, name))
    match found:
        case bytes():
            return found
        case ServiceError():
            banners.service_error(found)
        case store.TooLarge():
            text = _("It is {size} MB large, too much for this page: open it in MLflow.")
            st.info(text.format(size=decimal(found.megabytes, 1)))
        case None:
            _nothing(version)
    return None


def _nothing(version: RegisteredVersion) -> None:
    st.info(_("The run of version {version} kept nothing of this kind.").format(version=version.version))


_SHOWN: Final = {Kind.PLOTS: _plots, Kind.REPORT: _report, Kind.CARD: _card}
