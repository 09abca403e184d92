"""Captions of the plots: one sentence each, with the numbers of the findings."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ml.report.findings import Findings, Robustness, Subgroup
from ml.report.formatting import number, percent


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
    return (
        f"Of an encounter with a readmission and one without, the model gives the higher risk to the former in "
        f"{percent(value, 0)} of all pairs; the LACE proxy does in {percent(reference, 0)}."
    )


def _precision_recall(findings: Findings) -> str:
    value = findings.metrics["average_precision"]["value"]
    return (
        f"Average precision is {number(value)}, {number(value / findings.prevalence, 1)} times the prevalence of "
        f"{number(findings.prevalence)}, which is the value of a random ranking."
    )


def _calibration(findings: Findings) -> str:
    error = findings.metrics["ece"]["value"]
    return (
        f"Predicted and observed risk differ by {number(100 * error, 1)} percentage points on average; perfectly "
        f"calibrated risks differ by {number(100 * findings.ece_floor, 1)} on these encounters by chance."
    )


def _distribution(findings: Findings) -> str:
    low, middle, high = findings.curves.quartiles
    return (
        f"Half of all risks lie between {percent(low)} and {percent(high)}, the median is {percent(middle)}: "
        "the two outcomes overlap, and most high-risk encounters are not followed by a readmission."
    )


def _decision_curve(findings: Findings) -> str:
    curves = findings.curves
    model, thresholds = np.array(curves.benefit.y), np.array(curves.benefit.x)
    better = thresholds[model > np.maximum(0, np.maximum(curves.treat_all, curves.reference_benefit))]
    if not len(better):
        return "At no threshold from 5 % to 30 % does acting on the model's risks have the highest net benefit."
    where = (
        "every threshold from 5 % to 30 %"
        if len(better) == len(model)
        else f"{percent(len(better) / len(model), 0)} of the thresholds from 5 % to 30 %, the first of them "
        f"{percent(better.min())} and the last {percent(better.max())}"
    )
    return f"Acting on the model's risks has the highest net benefit of the four strategies at {where}."


def _gains(findings: Findings) -> str:
    sensitivity, ppv = (findings.metrics[f"{name}_top_10"]["value"] for name in ("sensitivity", "ppv"))
    return (
        f"Following up the 10 % of encounters with the highest risk reaches {percent(sensitivity, 0)} of all "
        f"readmissions, and {percent(ppv, 0)} of those followed up are readmitted."
    )


def _subgroups(findings: Findings) -> str:
    rows = [row for row in findings.subgroups if row.auroc is not None]
    if not rows:
        return "There are too few encounters to evaluate any subgroup."
    weakest = min(rows, key=lambda row: (row.auroc or {})["value"])
    lowest = number((weakest.auroc or {})["value"])
    worse, off = sum(is_ranked_worse(row, findings) for row in rows), sum(map(is_miscalibrated, rows))
    return (
        f"The AUROC is lowest for {weakest.factor.lower()} “{weakest.level}” ({lowest}), and below that of all "
        f"encounters in {worse} of {len(rows)} subgroups; the mean prediction lies outside the interval of the "
        f"observed rate in {off}, where about {max(1, round(len(rows) / 20))} are expected by chance."
    )


def _importance(findings: Findings) -> str:
    group, field = findings.group_importance[0], findings.field_importance[0]
    return (
        f"The most important group is “{group.label}”: permuting it costs {number(group.auroc['value'])} of AUROC. The "
        f"most important field is “{field.label}” ({number(field.auroc['value'])})."
    )


def _missing_fields(findings: Findings) -> str:
    half, none = _hidden(findings, 0.5), _hidden(findings, 0.0)
    return (
        f"With half of the fields hidden, the AUROC is {number(half.auroc['value'])} instead of "
        f"{number(none.auroc['value'])}, and the mean prediction {percent(half.predicted)} with "
        f"{percent(half.observed)} observed."
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
