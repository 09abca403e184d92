"""The rules of the gate: a pure decision on whether a candidate becomes production.

Candidate and incumbent are evaluated on the same test patients. The rules are applied in order and the first that
applies settles the decision. A comparison with NaN never counts in favour of a candidate.
"""

from collections.abc import Mapping
from typing import Final

from ml.evaluation.bootstrap import Interval
from ml.promotion.evidence import Candidate, Decision, Evidence, Present, Rule

MARGINS: Final[Mapping[str, float]] = {"auroc": 0.003, "average_precision": 0.005, "brier": 0.0003}
"""How much worse the point estimate of a metric may be, unless its interval shows that it is worse.

AUROC and average precision: half of their spread over splits of the real data (0.006 and 0.010, published). Brier
score: a twentieth of the gain of a good model over the prevalence (0.0055, or 5.5 % of 0.101).
"""

ECE_LIMIT: Final = 0.015
"""Largest expected calibration error: below the 0.019 of a model on records that it was not made for."""
INTERCEPT_LIMIT: Final = 0.1
"""Largest calibration in the large, in logits: a mean risk of 0.104 to 0.124 instead of 0.114."""
SLOPE_LIMITS: Final = (0.8, 1.25)
"""Of the calibration slope: 0.84 is the published slope of a model outside the cohort it was fitted on."""
ENOUGH_POSITIVES: Final = 100
"""With fewer, calibration can hardly be judged (Vergouwe 2005: at least 100 events and 100 non-events)."""
GROSS_INTERCEPT: Final = 0.7
"""Limit of calibration in the large with few positives, in logits: risks that are off by a factor of two."""

SUBGROUP_SHOWN_FALL: Final = 0.01
"""Fall of a subgroup's AUROC that its interval must not show: three standard errors of a difference of all patients."""
SUBGROUP_FALL: Final = 0.03
"""Largest fall of the point estimate: about the value of utilisation history, the strongest group of fields."""
SUBGROUP_MISCALIBRATION: Final = 0.1
"""Increase of a subgroup's distance from calibration in the large, in logits, that its interval must not show."""

_NAMES: Final = {"auroc": "AUROC", "average_precision": "average precision", "brier": "Brier score"}
_RANKING: Final = ("auroc", "average_precision")


def decide(candidate: Candidate, incumbent: Candidate | None, evidence: Evidence | None, present: Present) -> Decision:
    """Promote a sound, calibrated candidate that ranks better than the incumbent, or equals it and is newer.

    ``evidence`` has differences if there is a sound incumbent, and is None if the candidate has a fault.
    """
    if candidate.fault is not None or evidence is None:
        reason = f"the bundle is not sound: {candidate.fault or 'it was not measured'}"
        return Decision(False, reason, Rule.SOUNDNESS)
    if incumbent and candidate.provenance == "synthetic" != incumbent.provenance:
        return Decision(False, "it was trained on synthetic data and production on real data", Rule.ORIGIN)
    if refused := _miscalibrated(evidence):
        return refused
    if incumbent is None:
        return Decision(True, "the first version", Rule.FIRST)
    if candidate.provenance != incumbent.provenance:
        return Decision(True, "it was trained on real data and production on synthetic data", Rule.ORIGIN)
    if incumbent.fault is not None:
        reason = f"the present production version is not sound: {incumbent.fault}"
        return Decision(True, reason, Rule.INCUMBENT)
    return (
        _worse(evidence)
        or _worse_for_a_subgroup(evidence)
        or _better(evidence)
        or _equal(candidate, incumbent, evidence, present)
    )


def _miscalibrated(evidence: Evidence) -> Decision | None:
    ece, intercept = evidence.calibration["ece"], evidence.calibration["calibration_intercept"]
    slope = evidence.calibration["calibration_slope"]
    few_positives = evidence.positives < ENOUGH_POSITIVES
    limit = GROSS_INTERCEPT if few_positives else INTERCEPT_LIMIT
    low, high = SLOPE_LIMITS
    reason = None
    if not (intercept["low"] <= limit and intercept["high"] >= -limit):
        reason = f"calibration in the large is {_format(intercept)}, beyond {limit} logits"
    elif few_positives:
        return None
    elif not ece["value"] <= evidence.ece_ceiling:
        ceiling = f"more than the {evidence.ece_ceiling:.4f} that {ECE_LIMIT} may look like by chance"
        reason = f"the calibration error is {_format(ece)}, {ceiling}"
    elif not (slope["low"] <= high and slope["high"] >= low):
        reason = f"the calibration slope is {_format(slope)}, outside {low} to {high}"
    return Decision(False, reason, Rule.CALIBRATION) if reason else None


def _worse(evidence: Evidence) -> Decision | None:
    for name, margin in MARGINS.items():
        difference = evidence.differences[name]
        gain = difference if name in _RANKING else _negated(difference)  # a lower Brier score is better
        if not gain["high"] >= 0:
            return Decision(False, f"{_NAMES[name]} is shown to be worse: {_format_change(difference)}", Rule.WORSE)
        if not gain["value"] >= -margin:
            reason = f"{_NAMES[name]} is worse by more than {margin}: {_format_change(difference)}"
            return Decision(False, reason, Rule.WORSE)
    return None


def _worse_for_a_subgroup(evidence: Evidence) -> Decision | None:
    for group in evidence.subgroups:
        prefix = f"for {group.name} ({group.positives} of {group.encounters} encounters readmitted)"
        auroc, miscalibration = group.auroc, group.miscalibration
        if not (auroc["high"] >= -SUBGROUP_SHOWN_FALL and auroc["value"] >= -SUBGROUP_FALL):
            return Decision(False, f"{prefix} AUROC falls: {_format_change(auroc)}", Rule.SUBGROUP)
        if not miscalibration["low"] <= SUBGROUP_MISCALIBRATION:
            reason = f"{prefix} calibration in the large gets worse: {_format_change(miscalibration)}"
            return Decision(False, reason, Rule.SUBGROUP)
    return None


def _better(evidence: Evidence) -> Decision | None:
    for name in _RANKING:
        difference = evidence.differences[name]
        if difference["low"] > 0:
            return Decision(True, f"{_NAMES[name]} is better: {_format_change(difference)}", Rule.BETTER)
    return None


def _equal(candidate: Candidate, incumbent: Candidate, evidence: Evidence, present: Present) -> Decision:
    """Decide for equal versions: only one of the present data or code is newer, so versions cannot alternate."""
    equal = f"it equals version {incumbent.version} (AUROC {_format_change(evidence.differences['auroc'])})"
    if candidate.data_version != incumbent.data_version:
        if candidate.data_version == present.data_version:
            return Decision(True, f"{equal} and was trained on the present data", Rule.NEW_DATA)
    elif candidate.code_version != incumbent.code_version and candidate.code_version == present.code_version:
        return Decision(True, f"{equal} and was made by the present code", Rule.NEW_CODE)
    reason = f"it equals version {incumbent.version} and has neither newer data nor newer code"
    return Decision(False, reason, Rule.NOTHING_NEW)


def _negated(difference: Interval) -> Interval:
    return {"value": -difference["value"], "low": -difference["high"], "high": -difference["low"]}


def _format(interval: Interval) -> str:
    return f"{interval['value']:.4f} ({interval['low']:.4f} to {interval['high']:.4f})"


def _format_change(interval: Interval) -> str:
    return f"{interval['value']:+.5f} ({interval['low']:+.5f} to {interval['high']:+.5f})"
