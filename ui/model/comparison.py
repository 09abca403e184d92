"""Two versions side by side: figures with intervals, settings that differ, and whether they saw the same data."""

import pandas as pd
import streamlit as st

from ui import banners, charts
from ui.clients.errors import ServiceError
from ui.clients.mlflow import RegisteredVersion, Run
from ui.i18n.language import _, counted
from ui.i18n.wording import escape
from ui.model.choice import version as choose
from ui.model.intervals import Dot, alternative, chart
from ui.model.metrics import HEADLINE, Figures, in_order, label, meaning, of_run, told
from ui.model.registry_snapshot import RegistrySnapshot, runs_of
from ui.model.version_cards import short


def draw(shelf: RegistrySnapshot) -> None:
    """Any two versions; at first production and the challenger, or the two newest."""
    st.header(_("Compare two versions"))
    if len(shelf.versions) < 2:
        st.info(_("There is one version only: a comparison takes two."))
        return
    first, second = _preferred(shelf)
    left, right = st.columns(2)
    with left:
        one = choose(shelf, _("First version"), "compare-first", first)
    with right:
        other = choose(shelf, _("Second version"), "compare-second", second)
    if one.version == other.version:
        st.info(_("These are the same version: choose another one on either side."))
        return
    runs = runs_of(one, other)
    if isinstance(runs, ServiceError):
        banners.service_error(runs)
        return
    _origins(one, other)
    for version, run in zip((one, other), runs, strict=True):
        if run is None:
            text = _("The run behind version {version} is gone from MLflow, and its figures with it.")
            st.info(text.format(version=version.version))
    _figures((one, other), (_of(runs[0]), _of(runs[1])))
    if runs[0] and runs[1]:
        _settings((one, other), (runs[0], runs[1]))


def _preferred(shelf: RegistrySnapshot) -> tuple[RegisteredVersion, RegisteredVersion]:
    first = shelf.production or shelf.versions[0]
    others = [one for one in (shelf.challenger, *shelf.versions) if one and one.version != first.version]
    return first, others[0]


def _origins(one: RegisteredVersion, other: RegisteredVersion) -> None:
    """Whether the figures can be compared at all: each version was measured on the test patients of its data."""
    data = [version.tag("data_version") for version in (one, other)]
    if data[0] and data[0] == data[1]:
        text = _("Both were trained and measured on the same data (version {data}): their figures can be compared.")
        st.success(text.format(data=short(data[0])), icon=":material/check:")
    elif all(data):
        text = _(
            "They were trained and measured on different data (versions {one} and {other}): a difference may be due to "
            "the patients. The gate judges both on the same ones; see its decision."
        )
        st.warning(text.format(one=short(data[0]), other=short(data[1])), icon=":material/difference:")
    else:
        st.warning(_("The data of one of them are not known: their figures may not be comparable."))
    code = [version.tag("code_version") for version in (one, other)]
    if all(code):
        same = _("Both were made by the same code.") if code[0] == code[1] else _("They were made by different code.")
        st.markdown(same)


def _figures(versions: tuple[RegisteredVersion, RegisteredVersion], figures: tuple[Figures, Figures]) -> None:
    names = in_order(*figures)
    if not names:
        return
    st.subheader(_("Figures"))
    titles = [_("Version {version}").format(version=version.version) for version in versions]
    columns = {title: [told(one.get(name)) for name in names] for title, one in zip(titles, figures, strict=True)}
    places = st.columns(2)
    for number, name in enumerate(one for one in names if one in HEADLINE):
        dots = [Dot.of(title, one[name]) for title, one in zip(titles, figures, strict=True) if name in one]
        with places[number % 2]:
            st.altair_chart(
                chart(label(name), dots, titles, charts.palette()), width="stretch", alt=alternative(label(name), dots)
            )
    st.table(
        pd.DataFrame(columns | {_("What it says"): [meaning(name) for name in names]}, [label(name) for name in names]),
        border="horizontal",
        alt=_("Figures of both versions with their 95% intervals"),
    )
    text = _(
        "Intervals that overlap do not show that two versions are equal: the gate decides by the interval of the "
        "difference."
    )
    st.markdown(f":small[{text}]")


def _settings(versions: tuple[RegisteredVersion, RegisteredVersion], runs: tuple[Run, Run]) -> None:
    """The parameters that differ; how many are equal is said only."""
    given = [{param.key: param.value for param in run.data.params} for run in runs]
    names = sorted(given[0].keys() | given[1].keys())
    differing = [name for name in names if given[0].get(name) != given[1].get(name)]
    st.subheader(_("Settings that differ"))
    if not differing:
        st.markdown(_("None: all settings are equal."))
        return
    columns = {
        _("Version {version}").format(version=version.version): [escape(one.get(name, "–")) for name in differing]
        for version, one in zip(versions, given, strict=True)
    }
    st.table(
        pd.DataFrame(columns, [escape(name) for name in differing]),
        border="horizontal",
        alt=_("Settings of training that differ between the versions"),
    )
    equal = len(names) - len(differing)
    st.markdown(counted("{number} other setting is equal.", "{number} other settings are equal.", equal))


def _of(run: Run | None) -> Figures:
    return of_run(run) if run else {}
