"""The gate: whether a candidate becomes ``production``. A pure decision; :mod:`ml.promotion.gate` carries it out.

Candidate and incumbent are judged on the same test patients, in one run. The rules are asked in the order of
:data:`_RULES`, and the first that has something to say settles the matter. A figure that is not a number never
speaks for a candidate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ml.evaluation.bootstrap import Interval
from ml.promotion.evidence import Candidate, Decision, Evidence, Present, Rule

MARGINS: Final[Mapping[str, float]] = {"auroc": 0.003, "average_precision": 0.005, "brier": 0.0003}
"""How much worse a figure may be at its point estimate, if it is not shown to be worse at all.

AUROC and average precision: half of their spread over splits of the real data (0.006 and 0.010, published). Brier
score: a twentieth of what a good model gains over the prevalence (0.0055, or 5.5 % of 0.101).
"""

ECE_LIMIT: Final = 0.015
"""Largest expected calibration error: below the 0.019 of a model that answers records it was not made for."""
INTERCEPT_LIMIT: Final = 0.1
"""Largest calibration in the large, in logits: a mean risk of 0.104 to 0.124 in place of 0.114."""
SLOPE_LIMITS: Final = (0.8, 1.25)
"""Of the calibration slope: 0.84 is the slope that is published for a model outside the cohort it was fitted on."""
ENOUGH_POSITIVES: Final = 100
"""With fewer, calibration can hardly be judged (Vergouwe 2005: at least 100 events and 100 non-events)."""
GROSS_INTERCEPT: Final = 0.7
"""Then only calibration in the large counts, in logits: risks that are off by a factor of two."""

SUBGROUP_SHOWN_FALL: Final = 0.01
"""AUROC of a subgroup must not be shown to fall by more; three standard errors of a difference of all patients."""
SUBGROUP_FALL: Final = 0.03
"""Nor may it fall by more at its point estimate: about what utilisation history, the strongest block, is worth."""
SUBGROUP_MISCALIBRATION: Final = 0.1
"""By how much, in logits, a subgroup may be shown to be further from calibration in the large than before."""

_NAMES: Final = {"auroc": "AUROC", "average_precision": "average precision", "brier": "Brier score"}
_RANKING: Final = ("auroc", "average_precision")


@dataclass(frozen=True, slots=True)
class _Case:
    candidate: Candidate
    incumbent: Candidate | None
    evidence: Evidence | None
    present: Present


def decide(candidate: Candidate, incumbent: Candidate | None, evidence: Evidence | None, present: Present) -> Decision:
    """Promote a sound, calibrated candidate that ranks better than the incumbent, or equals it and is newer.

    Args:
        candidate: the version to decide on.
        incumbent: the version in production, if there is one.
        evidence: figures of the candidate; with differences, where there is a sound incumbent. Needed unless the
            candidate has a fault.
        present: the data and the code in place.
    """
    case = _Case(candidate, incumbent, evidence, present)
    for rule in _RULES:
        if (decision := rule(case)) is not None:
            return decision
    reason = f"it equals version {incumbent.version if incumbent else ''} and has neither newer data nor newer code"
    return Decision(False, reason, Rule.NOTHING_NEW)


def _soundness(case: _Case) -> Decision | None:
    if case.candidate.fault is None and case.evidence is not None:
        return None
    return Decision(False, f"the bundle is not sound: {case.candidate.fault or 'it was not measured'}", Rule.SOUNDNESS)


def _synthetic_for_real(case: _Case) -> Decision | None:
    if case.incumbent and case.candidate.provenance == "synthetic" != case.incumbent.provenance:
        return Decision(False, "it was trained on synthetic data and production on real data", Rule.ORIGIN)
    return None


def _calibration(case: _Case) -> Decision | None:
    evidence = _measured(case)
    ece, intercept = evidence.calibration["ece"], evidence.calibration["calibration_intercept"]
    slope = evidence.calibration["calibration_slope"]
    few = evidence.positives < ENOUGH_POSITIVES
    limit = GROSS_INTERCEPT if few else INTERCEPT_LIMIT
    if not (intercept["low"] <= limit and intercept["high"] >= -limit):
        return _uncalibrated("calibration in the large", intercept, f"beyond {limit} logits")
    if few:
        return None
    if not ece["value"] <= evidence.ece_ceiling:
        chance = f"more than the {evidence.ece_ceiling:.4f} that {ECE_LIMIT} may look like by chance"
        return _uncalibrated("the calibration error", ece, chance)
    low, high = SLOPE_LIMITS
    if not (slope["low"] <= high and slope["high"] >= low):
        return _uncalibrated("the calibration slope", slope, f"outside {low} to {high}")
    return None


def _uncalibrated(what: str, figure: Interval, limit: str) -> Decision:
    return Decision(False, f"{what} is {_told(figure)}, {limit}", Rule.CALIBRATION)


def _first(case: _Case) -> Decision | None:
    return Decision(True, "the first version", Rule.FIRST) if case.incumbent is None else None


def _real_for_synthetic(case: _Case) -> Decision | None:
    if case.incumbent and case.candidate.provenance != case.incumbent.provenance:
        return Decision(True, "it was trained on real data and production on synthetic data", Rule.ORIGIN)
    return None


def _broken_incumbent(case: _Case) -> Decision | None:
    if case.incumbent and case.incumbent.fault is not None:
        reason = f"the present production version is not sound: {case.incumbent.fault}"
        return Decision(True, reason, Rule.INCUMBENT)
    return None


def _worse(case: _Case) -> Decision | None:
    differences = _measured(case).differences
    for name, margin in MARGINS.items():
        gain = _gain(name, differences[name])
        if not gain["high"] >= 0:
            return Decision(False, f"{_NAMES[name]} is shown to be worse: {_change(differences[name])}", Rule.WORSE)
        if not gain["value"] >= -margin:
            reason = f"{_NAMES[name]} is worse by more than {margin}: {_change(differences[name])}"
            return Decision(False, reason, Rule.WORSE)
    return None


def _subgroup(case: _Case) -> Decision | None:
    for group in _measured(case).subgroups:
        place = f"for {group.name} ({group.positives} of {group.encounters} encounters readmitted)"
        fall, drift = group.auroc, group.miscalibration
        if not (fall["high"] >= -SUBGROUP_SHOWN_FALL and fall["value"] >= -SUBGROUP_FALL):
            return Decision(False, f"{place} AUROC falls: {_change(fall)}", Rule.SUBGROUP)
        if not drift["low"] <= SUBGROUP_MISCALIBRATION:
            return Decision(False, f"{place} calibration in the large gets worse: {_change(drift)}", Rule.SUBGROUP)
    return None


def _better(case: _Case) -> Decision | None:
    differences = _measured(case).differences
    for name in _RANKING:
        if differences[name]["low"] > 0:
            return Decision(True, f"{_NAMES[name]} is better: {_change(differences[name])}", Rule.BETTER)
    return None


def _newer(case: _Case) -> Decision | None:
    """Newer is what was made of the data and the code in place; so two versions never replace each other in turn."""
    candidate, incumbent, present = case.candidate, case.incumbent, case.present
    if incumbent is None:
        return None
    equal = f"it equals version {incumbent.version} (AUROC {_change(_measured(case).differences['auroc'])})"
    if candidate.data_version != incumbent.data_version:
        if candidate.data_version == present.data_version:
            return Decision(True, f"{equal} and was trained on the present data", Rule.NEW_DATA)
    elif candidate.code_version != incumbent.code_version and candidate.code_version == present.code_version:
        return Decision(True, f"{equal} and was made by the present code", Rule.NEW_CODE)
    return None


_RULES: Final[tuple[Callable[[_Case], Decision | None], ...]] = (
    _soundness,
    _synthetic_for_real,
    _calibration,
    _first,
    _real_for_synthetic,
    _broken_incumbent,
    _worse,
    _subgroup,
    _better,
    _newer,
)


def _measured(case: _Case) -> Evidence:
    if case.evidence is None:
        raise ValueError("a sound candidate comes with evidence")
    return case.evidence


def _gain(metric: str, difference: Interval) -> Interval:
    """The same difference, positive where it is an improvement: a lower Brier score is better."""
    if metric in _RANKING:
        return difference
    return {"value": -difference["value"], "low": -difference["high"], "high": -difference["low"]}


def _told(figure: Interval) -> str:
    return f"{figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f})"


def _change(figure: Interval) -> str:
    return f"{figure['value']:+.5f} ({figure['low']:+.5f} to {figure['high']:+.5f})"
