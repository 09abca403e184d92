"""One sentence per figure: what is to be seen in it, from its own numbers."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ml.report.findings import Findings, Robustness, Subgroup
from ml.report.formatting import number, percent


def readings(findings: Findings) -> dict[str, str]:
    """A sentence for each figure, by the figure's name."""
    return {name: read(findings) for name, read in _READINGS.items()}


def unlike_the_rest(row: Subgroup) -> bool:
    """Whether a subgroup's mean prediction lies outside the interval of what was observed."""
    return row.observed is not None and not row.observed["low"] <= row.predicted <= row.observed["high"]


def ranked_worse(row: Subgroup, findings: Findings) -> bool:
    """Whether a subgroup's AUROC is shown to be below that of all encounters."""
    return row.auroc is not None and row.auroc["high"] < findings.metrics["auroc"]["value"]


def _roc(findings: Findings) -> str:
    value, reference = (figures["auroc"]["value"] for figures in (findings.metrics, findings.reference_metrics))
    return (
        f"Of an encounter that is followed by a readmission and one that is not, the model gives the higher risk to "
        f"the right one in {percent(value, 0)} of all pairs; the LACE proxy does in {percent(reference, 0)}."
    )


def _precision_recall(findings: Findings) -> str:
    value = findings.metrics["average_precision"]["value"]
    return (
        f"Average precision is {number(value)}, {number(value / findings.prevalence, 1)} times the prevalence of "
        f"{number(findings.prevalence)} that chance would reach."
    )


def _calibration(findings: Findings) -> str:
    error = findings.metrics["ece"]["value"]
    return (
        f"Promised and observed risk differ by {number(100 * error, 1)} percentage points on average; on these "
        f"encounters chance alone makes perfectly calibrated risks differ by {number(100 * findings.ece_floor, 1)}."
    )


def _distribution(findings: Findings) -> str:
    curves = findings.curves
    low, middle, high = curves.quartiles
    return (
        f"Half of all risks lie between {percent(low)} and {percent(high)}, the middle one is {percent(middle)}: "
        "the two outcomes overlap, and most encounters called high-risk are not followed by a readmission."
    )


def _decision(findings: Findings) -> str:
    curves = findings.curves
    model = np.array(curves.benefit.y)
    rivals = np.maximum(0, np.maximum(curves.treat_all, curves.reference_benefit))
    better = np.array(curves.benefit.x)[model > rivals]
    if not len(better):
        return "At no threshold from 5 % to 30 % is acting on the model's risks the best of the four ways shown."
    where = (
        "every threshold from 5 % to 30 %"
        if len(better) == len(model)
        else f"{percent(len(better) / len(model), 0)} of the thresholds from 5 % to 30 %, the first of them "
        f"{percent(better.min())} and the last {percent(better.max())}"
    )
    return f"Acting on the model's risks is the best of the four ways shown at {where}."


def _gains(findings: Findings) -> str:
    reached, ppv = (findings.metrics[f"{name}_top_10"]["value"] for name in ("sensitivity", "ppv"))
    return (
        f"Following up the tenth of the encounters with the highest risk reaches {percent(reached, 0)} of all "
        f"readmissions, and {percent(ppv, 0)} of those followed up are readmitted."
    )


def _subgroups(findings: Findings) -> str:
    judged = [row for row in findings.subgroups if row.auroc is not None]
    if not judged:
        return "There are too few encounters to judge any subgroup."
    weakest = min(judged, key=lambda row: (row.auroc or {})["value"])
    return (
        f"Ranking is weakest for {weakest.factor.lower()} “{weakest.level}” (AUROC "
        f"{number((weakest.auroc or {})['value'])}) and shown to be below that of all encounters in "
        f"{sum(ranked_worse(row, findings) for row in judged)} of {len(judged)} subgroups; the mean prediction lies "
        f"outside the interval of the observed rate in {sum(map(unlike_the_rest, judged))}, of which chance alone "
        f"would account for about {max(1, round(len(judged) / 20))}."
    )


def _importance(findings: Findings) -> str:
    group, field = findings.group_importance[0], findings.field_importance[0]
    return (
        f"The answers rest most on “{group.label}”, whose exchange costs {number(group.auroc['value'])} of AUROC, and "
        f"among single fields on “{field.label}” ({number(field.auroc['value'])})."
    )


def _missing(findings: Findings) -> str:
    half, none = _hidden(findings, 0.5), _hidden(findings, 0.0)
    return (
        f"With half of the fields hidden AUROC is {number(half.auroc['value'])} instead of "
        f"{number(none.auroc['value'])}, and the mean prediction {percent(half.predicted)} beside "
        f"{percent(half.observed)} observed."
    )


def _hidden(findings: Findings, share: float) -> Robustness:
    return next(row for row in findings.robustness if row.hidden == share)


_READINGS: Final[Mapping[str, Callable[[Findings], str]]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "distribution": _distribution,
    "decision_curve": _decision,
    "gains": _gains,
    "subgroups": _subgroups,
    "importance": _importance,
    "missing_fields": _missing,
}
