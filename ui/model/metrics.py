"""The figures of a version: their names, what they mean, and their intervals, by the API or by the run."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Final

from ui.clients.api_models import Interval
from ui.clients.mlflow import Run
from ui.i18n.language import _, decimal, percent
from ui.i18n.wording import escape, interval

Figures = Mapping[str, Interval]
"""Name of a metric, as training gives it, to its figure."""

HEADLINE: Final = ("auroc", "average_precision", "brier", "ece")
"""What is shown first."""

DIGITS: Final = 4
_TOP = re.compile(r"(sensitivity|ppv)_top_(\d+)")


def of_run(run: Run) -> dict[str, Interval]:
    """The figures of a run that have an interval; MLflow keeps ``auroc``, ``auroc_low`` and ``auroc_high``."""
    known = {metric.key: metric.value for metric in run.data.metrics}
    return {
        name: Interval(value=_sound(value), low=_sound(known[f"{name}_low"]), high=_sound(known[f"{name}_high"]))
        for name, value in known.items()
        if f"{name}_low" in known and f"{name}_high" in known
    }


def in_order(*figures: Figures) -> list[str]:
    """The metrics that any of these have, the headline first."""
    known = {name for one in figures for name in one}
    return [name for name in HEADLINE if name in known] + sorted(known - set(HEADLINE), key=_place)


def _place(name: str) -> tuple[str, int]:
    """By name, and the top 5 % before the top 10 %."""
    found = _TOP.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, 0)


def label(name: str) -> str:
    """The name of a metric, in words."""
    if found := _TOP.fullmatch(name):
        share = percent(int(found[2]) / 100, 0)
        text = _("Sensitivity, top {share}") if found[1] == "sensitivity" else _("PPV, top {share}")
        return text.format(share=share)
    names = {
        "auroc": "AUROC",
        "average_precision": _("Average precision"),
        "brier": _("Brier score"),
        "ece": _("Calibration error"),
        "scaled_brier": _("Scaled Brier score"),
        "calibration_intercept": _("Calibration intercept"),
        "calibration_slope": _("Calibration slope"),
    }
    return names.get(name) or escape(name)


def meaning(name: str) -> str:
    """What a metric says, in a sentence; empty for one that this page does not know."""
    if found := _TOP.fullmatch(name):
        if found[1] == "sensitivity":
            return _("Share of all readmissions found when these encounters are followed up.")
        return _("Share of these encounters that are followed by a readmission.")
    meanings = {
        "auroc": _("How often a readmitted patient is ranked above one who is not; 0.5 is chance."),
        "average_precision": _("Precision over all thresholds; chance equals the prevalence."),
        "brier": _("Mean squared error of the probability; lower is better."),
        "ece": _("Mean distance between predicted and observed risk; lower is better."),
        "scaled_brier": _("Share of the Brier score of always saying the prevalence that is saved; 1 is perfect."),
        "calibration_intercept": _("Above 0 the risks are too low on average, below 0 too high; 0 is ideal."),
        "calibration_slope": _("Below 1 the risks are too extreme, above 1 too cautious; 1 is ideal."),
    }
    return meanings.get(name, "")


def told(figure: Interval | None) -> str:
    """A figure with its interval."""
    if figure is None or figure.value is None:
        return _("not measured")
    value = decimal(figure.value, DIGITS)
    if figure.low is None or figure.high is None:
        return value
    return _("{value} ({interval})").format(value=value, interval=interval(figure.low, figure.high, DIGITS))


def _sound(value: float) -> float | None:
    return value if isfinite(value) else None
