"""Realised quality: how good each version turned out to be, by outcomes that are known. Reading and words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ui.clients.prometheus import Sample
from ui.i18n.language import _, counted, decimal, percent
from ui.i18n.wording import interval
from ui.model.metrics import label, meaning
from ui.monitoring.expressions import LEAST_AUROC, MOST_INTERCEPT

METRICS: Final = ("auroc", "average_precision", "brier", "ece", "calibration_intercept", "calibration_slope")
"""The figures of a version, in the order in which they are shown."""
LIMITS: Final = {"auroc": (LEAST_AUROC,), "calibration_intercept": (-MOST_INTERCEPT, MOST_INTERCEPT)}
"""Where an alert begins."""


@dataclass(frozen=True, slots=True)
class Realised:
    """A figure of a version with its 95 % interval."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(slots=True)
class VersionQuality:
    """What is known of one version's quality in the field."""

    name: str
    realised: dict[str, Realised] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    outcomes: float = 0
    coverage: float | None = None


def versions(
    realised: Sequence[Sample], estimated: Sequence[Sample], outcomes: Sequence[Sample], coverage: Sequence[Sample]
) -> list[VersionQuality]:
    """Every version that has any figure, the newest first."""
    found: dict[str, VersionQuality] = {}

    def version(sample: Sample) -> VersionQuality:
        name = sample.labels.get("model_version", "")
        return found.setdefault(name, VersionQuality(name))

    bounds: dict[tuple[str, str], dict[str, float]] = {}
    for sample in realised:
        version(sample)
        key = sample.labels.get("model_version", ""), sample.labels.get("metric", "")
        bounds.setdefault(key, {})[sample.labels.get("bound", "")] = sample.value
    for (name, metric), figures in bounds.items():
        found[name].realised[metric] = Realised(figures.get("value"), figures.get("low"), figures.get("high"))
    for sample in estimated:
        version(sample).estimated[sample.labels.get("metric", "")] = sample.value
    for sample in outcomes:
        version(sample).outcomes = sample.value
    for sample in coverage:
        version(sample).coverage = sample.value
    return sorted(found.values(), key=lambda one: (len(one.name), one.name), reverse=True)


def known_outcomes(version: VersionQuality) -> str:
    """How much of a version's quality is known at all."""
    outcomes = counted("{number} outcome is known", "{number} outcomes are known", round(version.outcomes))
    if version.coverage is None:
        return _("Version {version}: {outcomes}.").format(version=version.name, outcomes=outcomes)
    text = _("Version {version}: {outcomes}, which is {share} of the predictions that are old enough to have one.")
    return text.format(version=version.name, outcomes=outcomes, share=percent(version.coverage, 0))


def words(metric: str, found: Sequence[VersionQuality]) -> str:
    """One figure of all versions in words."""
    told = [_measured(metric, version) for version in found]
    return " ".join([f"{label(metric)}.", *(text for text in told if text), meaning(metric)])


def _measured(metric: str, version: VersionQuality) -> str:
    one, estimate = version.realised.get(metric, Realised()), version.estimated.get(metric)
    parts = []
    if one.value is not None:
        text = _("Version {version}: {value}, 95% interval {interval}.")
        held = interval(one.low, one.high, 3)
        parts.append(text.format(version=version.name, value=decimal(one.value, 3), interval=held))
    if estimate is not None:
        text = _("Version {version}, estimated without outcomes: {value}.")
        parts.append(text.format(version=version.name, value=decimal(estimate, 3)))
    return " ".join(parts)


def table(found: Sequence[VersionQuality], tested: dict[str, float | None], served: str) -> dict[str, list[str]]:
    """All figures; ``tested`` are those of the served version on its test patients."""
    rows = [(version, metric) for version in found for metric in METRICS if _is_known(version, metric)]
    realised = [version.realised.get(metric, Realised()) for version, metric in rows]
    return {
        _("Version"): [version.name for version, _metric in rows],
        _("Figure"): [label(metric) for _version, metric in rows],
        _("Realised"): [_figure(one.value) for one in realised],
        _("95% interval"): [_interval(one) for one in realised],
        _("Estimated without outcomes"): [_figure(version.estimated.get(metric)) for version, metric in rows],
        _("On test patients"): [
            _figure(tested.get(metric)) if version.name == served else "–" for version, metric in rows
        ],
    }


def _is_known(version: VersionQuality, metric: str) -> bool:
    return metric in version.realised or metric in version.estimated


def _interval(one: Realised) -> str:
    return interval(one.low, one.high, 3) if one.value is not None else "–"


def _figure(value: float | None) -> str:
    return "–" if value is None else decimal(value, 3)
