"""Realised quality panels: metrics of each version on known outcomes, and estimates without outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from ui import chart_specs
from ui.chart_specs import Estimate
from ui.charts import palette
from ui.clients.api_models import Interval
from ui.clients.errors import ServiceError
from ui.clients.prometheus import Sample
from ui.i18n.language import _, counted, decimal, percent
from ui.i18n.wording import interval
from ui.metrics import description, label
from ui.monitoring.format import value
from ui.monitoring.panels.drift import DriftState, run_state
from ui.monitoring.panels.panel import Panel, available, draw_chart, draw_error
from ui.monitoring.queries import COVERAGE, ESTIMATED, OUTCOMES, REALISED
from ui.monitoring.snapshot import Snapshot

DASHBOARD: Final = "field"
METRICS: Final = ("auroc", "average_precision", "brier", "ece", "calibration_intercept", "calibration_slope")
CHARTED: Final = ("auroc", "average_precision", "brier", "calibration_intercept")
ALERTS: Final[Mapping[str, tuple[str, ...]]] = {
    "auroc": ("RealisedQualityLow",),
    "calibration_intercept": ("CalibrationOff",),
}

Tested = Mapping[str, Mapping[str, Interval]]
"""Metrics on test patients by version; known for the served version only."""


@dataclass(slots=True)
class VersionQuality:
    """Quality of one version in the field."""

    version: str
    realised: dict[str, Interval] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    outcomes: float = 0
    coverage: float | None = None


def draw(snapshot: Snapshot) -> None:
    """Coverage by outcomes, a chart for each main metric and a table of all."""
    st.subheader(_("Realised quality"))
    samples: list[tuple[Sample, ...]] = []
    for query in (REALISED, ESTIMATED, OUTCOMES, COVERAGE):
        result = snapshot.samples[query]
        if isinstance(result, ServiceError):
            draw_error(result)
            return
        samples.append(result)
    versions = by_version(*samples)
    if not available(versions, _empty(snapshot)):
        return
    for one in versions:
        st.markdown(outcomes_text(one))
    if any(one.estimated for one in versions):
        text = _(
            "**Estimated without outcomes**: the value that follows from the risks themselves if they are calibrated. "
            "It is no measurement: only outcomes can show a loss of calibration."
        )
        st.markdown(text)
    served = snapshot.served_model
    tested: Tested = {served.version: served.metrics} if served else {}
    for place, metric in zip([*st.columns(2), *st.columns(2)], CHARTED, strict=True):
        with place:
            _chart(snapshot, metric, versions, tested)
    with st.expander(_("All metrics of all versions")):
        alternative = _("Realised and estimated metrics by version")
        st.table(table(versions, METRICS, tested), border="horizontal", hide_index=True, alt=alternative)


def _chart(snapshot: Snapshot, metric: str, versions: Sequence[VersionQuality], tested: Tested) -> None:
    unit, alerts = _("none, 95% interval of resampled patients"), ALERTS.get(metric, ())
    with Panel(label(metric), unit, REALISED.metric, DASHBOARD, alerts).frame(snapshot) as limits:
        st.markdown(description(metric))
        rows = estimates(metric, versions)
        if available(rows, _("Too few outcomes to measure this.")):
            spec = chart_specs.intervals(rows, label(metric), palette(), limits)
            draw_chart(spec, words(metric, versions), table(versions, (metric,), tested))


def by_version(
    realised: Sequence[Sample], estimated: Sequence[Sample], outcomes: Sequence[Sample], coverage: Sequence[Sample]
) -> list[VersionQuality]:
    """Every version that has any value, the newest first."""
    found: dict[str, VersionQuality] = {}

    def of(sample: Sample) -> VersionQuality:
        version = sample.labels.get("model_version", "")
        return found.setdefault(version, VersionQuality(version))

    for sample in realised:
        metrics, name = of(sample).realised, sample.labels.get("metric", "")
        bound = {sample.labels.get("bound", ""): sample.value}
        metrics[name] = metrics.get(name, Interval()).model_copy(update=bound)
    for sample in estimated:
        of(sample).estimated[sample.labels.get("metric", "")] = sample.value
    for sample in outcomes:
        of(sample).outcomes = sample.value
    for sample in coverage:
        of(sample).coverage = sample.value
    return sorted(found.values(), key=lambda one: (len(one.version), one.version), reverse=True)


def outcomes_text(one: VersionQuality) -> str:
    """How many outcomes of a version are known."""
    outcomes = counted("{number} outcome is known", "{number} outcomes are known", round(one.outcomes))
    if one.coverage is None:
        return _("Version {version}: {outcomes}.").format(version=one.version, outcomes=outcomes)
    text = _("Version {version}: {outcomes}, which is {share} of the predictions that are old enough to have one.")
    return text.format(version=one.version, outcomes=outcomes, share=percent(one.coverage, 0))


def estimates(metric: str, versions: Sequence[VersionQuality]) -> list[Estimate]:
    """A metric of all versions, measured and estimated."""
    rows = []
    for one in versions:
        measured = one.realised.get(metric, Interval())
        if measured.value is not None and measured.low is not None and measured.high is not None:
            name = _("Version {version}").format(version=one.version)
            rows.append(Estimate(name, measured.value, measured.low, measured.high))
        if metric in one.estimated:
            name = _("Version {version}, estimate").format(version=one.version)
            rows.append(Estimate(name, one.estimated[metric]))
    return rows


def words(metric: str, versions: Sequence[VersionQuality]) -> str:
    """A metric of all versions in words."""
    parts = [f"{label(metric)}."]
    for one in versions:
        measured = one.realised.get(metric, Interval())
        if measured.value is not None:
            text = _("Version {version}: {value}, 95% interval {interval}.")
            bounds = interval(measured.low, measured.high, 3)
            parts.append(text.format(version=one.version, value=decimal(measured.value, 3), interval=bounds))
        if metric in one.estimated:
            text = _("Version {version}, estimated without outcomes: {value}.")
            parts.append(text.format(version=one.version, value=decimal(one.estimated[metric], 3)))
    return " ".join([*parts, description(metric)])


def table(versions: Sequence[VersionQuality], metrics: Sequence[str], tested: Tested) -> dict[str, list[str]]:
    """The metrics of all versions that have them."""
    rows = [
        (one, metric) for one in versions for metric in metrics if metric in one.realised or metric in one.estimated
    ]
    realised = [one.realised.get(metric, Interval()) for one, metric in rows]
    return {
        _("Version"): [one.version for one, _metric in rows],
        _("Metric"): [label(metric) for _one, metric in rows],
        _("Realised"): [value(one.value) for one in realised],
        _("95% interval"): ["–" if one.value is None else interval(one.low, one.high, 3) for one in realised],
        _("Estimated without outcomes"): [value(one.estimated.get(metric)) for one, metric in rows],
        _("On test patients"): [
            value(tested.get(one.version, {}).get(metric, Interval()).value) for one, metric in rows
        ],
    }


def _empty(snapshot: Snapshot) -> str:
    state = run_state(snapshot)
    if isinstance(state, ServiceError) or state in (DriftState.DATABASE_DOWN, DriftState.NO_EXPORTER):
        return _("Realised quality cannot be read now.")
    if state is DriftState.NO_RUN:
        return _("monitor_diabetes, which compares predictions with outcomes, has not run yet.")
    return _("No outcome is old enough yet: send outcomes to the API, and wait until 30 days have passed.")
