"""Compares two versions: metrics with intervals, training settings, and whether their data are the same."""

import pandas as pd
import streamlit as st

from ui import banners, chart_specs
from ui.chart_specs import Estimate
from ui.charts import palette
from ui.clients.errors import ServiceError
from ui.clients.mlflow import RegisteredVersion, Run
from ui.i18n.language import _, counted
from ui.i18n.wording import escape
from ui.metrics import HEADLINE, Metrics, format_metric, label, ordered, run_metrics
from ui.model.current_versions import draw_metrics
from ui.model.registry_snapshot import RegistrySnapshot, fetch_runs
from ui.model.version_cards import short_hash
from ui.model.version_select import select_version


def draw(snapshot: RegistrySnapshot) -> None:
    """Compare any two versions; the default is production and the challenger, or the two newest."""
    st.header(_("Compare two versions"))
    if len(snapshot.versions) < 2:
        st.info(_("There is one version only: a comparison needs two."))
        return
    default = snapshot.production or snapshot.versions[0]
    others = [one for one in (snapshot.challenger, *snapshot.versions) if one and one.version != default.version]
    left, right = st.columns(2)
    with left:
        first = select_version(snapshot, _("First version"), "compare-first", default)
    with right:
        second = select_version(snapshot, _("Second version"), "compare-second", others[0])
    if first.version == second.version:
        st.info(_("These are the same version: choose another one on either side."))
        return
    runs = fetch_runs(first, second)
    if isinstance(runs, ServiceError):
        banners.service_error(runs)
        return
    _comparability(first, second)
    for version, run in zip((first, second), runs, strict=True):
        if run is None:
            text = _("The run of version {version} was deleted from MLflow, and its metrics with it.")
            st.info(text.format(version=version.version))
    titles = [_("Version {version}").format(version=version.version) for version in (first, second)]
    _metrics({title: run_metrics(run) if run else {} for title, run in zip(titles, runs, strict=True)})
    present = {title: run for title, run in zip(titles, runs, strict=True) if run}
    if len(present) == 2:
        _settings(present)


def _comparability(first: RegisteredVersion, second: RegisteredVersion) -> None:
    data = [version.tag("data_version") for version in (first, second)]
    if data[0] and data[0] == data[1]:
        text = _("Both were trained and measured on the same data (version {data}): their metrics can be compared.")
        st.success(text.format(data=short_hash(data[0])), icon=":material/check:")
    elif all(data):
        text = _(
            "They were trained and measured on different data (versions {one} and {other}): a difference may be due to "
            "the patients. The gate evaluates both on the same patients; see its decision."
        )
        st.warning(text.format(one=short_hash(data[0]), other=short_hash(data[1])), icon=":material/difference:")
    else:
        st.warning(_("The data of one of them are not known: their metrics may not be comparable."))
    code = [version.tag("code_version") for version in (first, second)]
    if all(code):
        st.markdown(_("The same code made both.") if code[0] == code[1] else _("Different code made them."))


def _metrics(metrics: dict[str, Metrics]) -> None:
    names = ordered(*metrics.values())
    if not names:
        return
    st.subheader(_("Metrics"))
    places = st.columns(2)
    for number, name in enumerate(name for name in names if name in HEADLINE):
        with places[number % 2]:
            _chart(name, metrics)
    draw_metrics(metrics, names)
    text = _("Overlapping intervals do not show equality: the gate decides by the interval of the difference.")
    st.markdown(f":small[{text}]")


def _chart(name: str, metrics: dict[str, Metrics]) -> None:
    present = {title: one[name] for title, one in metrics.items() if name in one}
    values = "; ".join(f"{title} {format_metric(metric)}" for title, metric in present.items())
    words = _("{metric} with 95% intervals. {values}.").format(metric=label(name), values=values)
    rows = [Estimate(title, one.value, one.low, one.high) for title, one in present.items() if one.value is not None]
    if rows:
        st.vega_lite_chart(spec=chart_specs.intervals(rows, label(name), palette()), width="stretch", alt=words)


def _settings(runs: dict[str, Run]) -> None:
    settings = {title: {param.key: param.value for param in run.data.params} for title, run in runs.items()}
    first, second = settings.values()
    names = sorted(first.keys() | second.keys())
    differing = [name for name in names if first.get(name) != second.get(name)]
    st.subheader(_("Settings that differ"))
    if not differing:
        st.markdown(_("None: all settings are equal."))
        return
    columns = {title: [escape(one.get(name, "–")) for name in differing] for title, one in settings.items()}
    st.table(
        pd.DataFrame(columns, [escape(name) for name in differing]),
        border="horizontal",
        alt=_("Settings of training that differ between the versions"),
    )
    equal = len(names) - len(differing)
    st.markdown(counted("{number} other setting is equal.", "{number} other settings are equal.", equal))
