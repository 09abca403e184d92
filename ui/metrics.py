"""Metrics of a model: labels, descriptions, order, and formatting with intervals."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Final

from ui.clients.api_models import Interval
from ui.clients.mlflow import Run
from ui.i18n.language import _, decimal, percent
from ui.i18n.wording import escape, interval

Metrics = Mapping[str, Interval]
"""Name of a metric, as training logs it, to its value and interval."""

HEADLINE: Final = ("auroc", "average_precision", "brier", "ece")
DIGITS: Final = 4
_TOP = re.compile(r"(sensitivity|ppv)_top_(\d+)")


def run_metrics(run: Run) -> dict[str, Interval]:
    """The metrics of a run that have an interval, logged as ``auroc``, ``auroc_low`` and ``auroc_high``."""
    logged = {metric.key: metric.value if isfinite(metric.value) else None for metric in run.data.metrics}
    return {
        name: Interval(value=value, low=logged[f"{name}_low"], high=logged[f"{name}_high"])
        for name, value in logged.items()
        if f"{name}_low" in logged and f"{name}_high" in logged
    }


def ordered(*metrics: Metrics) -> list[str]:
    """Names of the metrics that any of these have: headline first, then by name, the top 5 % before the top 10 %."""

    def sort_key(name: str) -> tuple[str, int]:
        top = _TOP.fullmatch(name)
        return (top[1], int(top[2])) if top else (name, 0)

    names = {name for one in metrics for name in one}
    return [name for name in HEADLINE if name in names] + sorted(names - set(HEADLINE), key=sort_key)


def label(name: str) -> str:
    """A metric's name for people."""
    return _texts(name)[0]


def description(name: str) -> str:
    """What a metric measures, in a sentence; empty for an unknown metric."""
    return _texts(name)[1]


def _texts(name: str) -> tuple[str, str]:
    if top := _TOP.fullmatch(name):
        share = percent(int(top[2]) / 100, 0)
        if top[1] == "ppv":
            text = _("Share of these encounters that are followed by a readmission.")
            return _("PPV, top {share}").format(share=share), text
        text = _("Share of all readmissions found when these encounters are followed up.")
        return _("Sensitivity, top {share}").format(share=share), text
    texts = {
        "auroc": ("AUROC", _("How often a readmitted patient is ranked above one who is not; 0.5 is chance.")),
        "average_precision": (
            _("Average precision"),
            _("Precision averaged over all thresholds; chance equals the prevalence."),
        ),
        "brier": (_("Brier score"), _("Mean squared error of the probability; lower is better.")),
        "ece": (_("Calibration error"), _("Mean distance between predicted and observed risk; lower is better.")),
        "scaled_brier": (
            _("Scaled Brier score"),
            _("Reduction of the Brier score against always predicting the prevalence; 1 is perfect."),
        ),
        "calibration_intercept": (
            _("Calibration intercept"),
            _("Above 0 the risks are too low on average, below 0 too high; 0 is ideal."),
        ),
        "calibration_slope": (
            _("Calibration slope"),
            _("Below 1 the risks are too extreme, above 1 too cautious; 1 is ideal."),
        ),
    }
    return texts.get(name, (escape(name), ""))


def format_metric(metric: Interval | None, digits: int = DIGITS) -> str:
    """A metric with its interval."""
    if metric is None or metric.value is None:
        return _("not measured")
    value = decimal(metric.value, digits)
    if metric.low is None or metric.high is None:
        return value
    return _("{value} ({interval})").format(value=value, interval=interval(metric.low, metric.high, digits))
