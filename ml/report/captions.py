"""Captions of the plots: one sentence each, with the numbers of the findings."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ml.report.findings import Findings, Robustness, Subgroup
from ml.report.formatting import number, percent
from ml.report.language import _


def captions(findings: Findings) -> dict[str, str]:
    """A caption for each plot, by its name."""
    return {name: caption(findings) for name, caption in _CAPTIONS.items()}


def is_miscalibrated(row: Subgroup) -> bool:
    """Whether the mean prediction of a subgroup lies outside the interval of the observed rate."""
    return row.observed is not None and not row.observed["low"] <= row.predicted <= row.observed["high"]


def is_ranked_worse(row: Subgroup, findings: Findings) -> bool:
    """Whether the interval of a subgroup's AUROC lies below the AUROC of all encounters."""
    return row.auroc is not None and row.auroc["high"] < findings.metrics["auroc"]["value"]


def _roc(findings: Findings) -> str:
    value, reference = (metrics["auroc"]["value"] for metrics in (findings.metrics, findings.reference_metrics))
    return _(
        "Of an encounter with a readmission and one without, the model gives the higher risk to the former in "
        "{share} of all pairs; the LACE proxy does in {reference}.",
        share=percent(value, 0),
        reference=percent(reference, 0),
    )


def _precision_recall(findings: Findings) -> str:
    value = findings.metrics["average_precision"]["value"]
    return _(
        "Average precision is {value}, {times} times the prevalence of {prevalence}, which is the value of a random "
        "ranking.",
        value=number(value),
        times=number(value / findings.prevalence, 1),
        prevalence=number(findings.prevalence),
    )


def _calibration(findings: Findings) -> str:
    return _(
        "Predicted and observed risk differ by {error} percentage points on average; perfectly calibrated risks differ "
        "by {floor} on these encounters by chance.",
        error=number(100 * findings.metrics["ece"]["value"], 1),
        floor=number(100 * findings.ece_floor, 1),
    )


def _distribution(findings: Findings) -> str:
    low, middle, high = map(percent, findings.curves.quartiles)
    return _(
        "Half of all risks lie between {low} and {high}, the median is {middle}: the two outcomes overlap, and most "
        "high-risk encounters are not followed by a readmission.",
        low=low,
        middle=middle,
        high=high,
    )


def _decision_curve(findings: Findings) -> str:
    curves = findings.curves
    model, thresholds = np.array(curves.benefit.y), np.array(curves.benefit.x)
    better = thresholds[model > np.maximum(0, np.maximum(curves.treat_all, curves.reference_benefit))]
    if not len(better):
        return _("At no threshold from 5 % to 30 % does acting on the model's risks have the highest net benefit.")
    if len(better) == len(model):
        return _(
            "Acting on the model's risks has the highest net benefit of the four strategies at every threshold from "
            "5 % to 30 %."
        )
    return _(
        "Acting on the model's risks has the highest net benefit of the four strategies at {share} of the thresholds "
        "from 5 % to 30 %, the first of them {first} and the last {last}.",
        share=percent(len(better) / len(model), 0),
        first=percent(better.min()),
        last=percent(better.max()),
    )


def _gains(findings: Findings) -> str:
    sensitivity, ppv = (findings.metrics[f"{name}_top_10"]["value"] for name in ("sensitivity", "ppv"))
    return _(
        "Following up the 10 % of encounters with the highest risk reaches {sensitivity} of all readmissions, and "
        "{ppv} of those followed up are readmitted.",
        sensitivity=percent(sensitivity, 0),
        ppv=percent(ppv, 0),
    )


def _subgroups(findings: Findings) -> str:
    rows = [row for row in findings.subgroups if row.auroc is not None]
    if not rows:
        return _("There are too few encounters to evaluate any subgroup.")
    weakest = min(rows, key=lambda row: (row.auroc or {})["value"])
    return _(
        "The AUROC is lowest for {factor} “{level}” ({lowest}), and below that of all encounters in {worse} of {all} "
        "subgroups; the mean prediction lies outside the interval of the observed rate in {off}, where about "
        "{expected} are expected by chance.",
        factor=_(weakest.factor).lower(),
        level=_(weakest.level),
        lowest=number((weakest.auroc or {})["value"]),
        worse=sum(is_ranked_worse(row, findings) for row in rows),
        all=len(rows),
        off=sum(map(is_miscalibrated, rows)),
        expected=max(1, round(len(rows) / 20)),
    )


def _importance(findings: Findings) -> str:
    group, field = findings.group_importance[0], findings.field_importance[0]
    return _(
        "The most important group is “{group}”: permuting it costs {loss} of AUROC. The most important field is "
        "“{field}” ({loss_of_field}).",
        group=_(group.label),
        loss=number(group.auroc["value"]),
        field=_(field.label),
        loss_of_field=number(field.auroc["value"]),
    )


def _missing_fields(findings: Findings) -> str:
    half, none = _hidden(findings, 0.5), _hidden(findings, 0.0)
    return _(
        "With half of the fields hidden, the AUROC is {half} instead of {none}, and the mean prediction {predicted} "
        "with {observed} observed.",
        half=number(half.auroc["value"]),
        none=number(none.auroc["value"]),
        predicted=percent(half.predicted),
        observed=percent(half.observed),
    )


def _hidden(findings: Findings, share: float) -> Robustness:
    return next(row for row in findings.robustness if row.hidden == share)


_CAPTIONS: Final[Mapping[str, Callable[[Findings], str]]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "distribution": _distribution,
    "decision_curve": _decision_curve,
    "gains": _gains,
    "subgroups": _subgroups,
    "importance": _importance,
    "missing_fields": _missing_fields,
}
