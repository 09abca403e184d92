"""The rules of the gate: each with cases that pass and cases that fail."""

from dataclasses import replace

import pytest

from ml.evaluation.bootstrap import Interval
from ml.promotion.evidence import Candidate, Rule, Subgroup
from ml.promotion.rules import ENOUGH_POSITIVES
from tests.unit.ml.promotion.decisions import INCUMBENT, RANKING, TWIN, decision_on, evidence, group, interval, version

NAN = float("nan")


def test_the_first_version_is_promoted_if_it_is_calibrated() -> None:
    decision = decision_on(evidence(), None)
    assert (decision.promote, decision.rule, decision.reason) == (True, Rule.FIRST, "the first version")

    decision = decision_on(evidence(calibration_intercept=interval(-0.3, 0.05)), None)
    assert (decision.promote, decision.rule) == (False, Rule.CALIBRATION)


def test_a_damaged_production_version_is_replaced_by_a_sound_and_calibrated_one() -> None:
    damaged = replace(INCUMBENT, fault="its graph is gone.")
    decision = decision_on(replace(evidence(), differences={}, subgroups=()), damaged)

    assert (decision.promote, decision.rule) == (True, Rule.INCUMBENT)
    assert decision.reason == "the present production version is not sound: its graph is gone."
    assert not decision_on(evidence(ece=interval(0.2, 0.01)), damaged).promote


@pytest.mark.parametrize(
    ("figure", "changed", "promote"),
    [
        ("ece", interval(0.018, 0.004), True),
        ("ece", interval(0.020, 0.004), False),
        ("ece", interval(NAN), False),
        ("calibration_intercept", interval(0.15, 0.06), True),
        ("calibration_intercept", interval(0.17, 0.06), False),
        ("calibration_intercept", interval(-0.17, 0.06), False),
        ("calibration_intercept", interval(NAN), False),
        ("calibration_slope", interval(0.75, 0.06), True),
        ("calibration_slope", interval(0.7, 0.06), False),
        ("calibration_slope", interval(1.4, 0.1), False),
        ("calibration_slope", interval(NAN), False),
    ],
)
def test_calibration_is_refused_if_its_interval_is_beyond_the_limit(
    figure: str, changed: Interval, promote: bool
) -> None:
    decision = decision_on(evidence(**{figure: changed}))

    assert decision.promote is promote
    assert (decision.rule is Rule.CALIBRATION) is not promote


@pytest.mark.parametrize("off", [{"calibration_slope": interval(0.4, 0.1)}, {"ece": interval(0.08, 0.01)}])
def test_error_and_slope_are_ignored_with_few_positives(off: dict[str, Interval]) -> None:
    assert decision_on(replace(evidence(**off), positives=ENOUGH_POSITIVES - 1)).promote
    assert not decision_on(replace(evidence(**off), positives=ENOUGH_POSITIVES)).promote


def test_grossly_miscalibrated_risks_are_refused_even_with_few_positives() -> None:
    few = replace(evidence(calibration_intercept=interval(-0.8, 0.2)), positives=30)
    gross = replace(evidence(calibration_intercept=interval(-1.0, 0.2)), positives=30)

    assert decision_on(few).promote
    assert decision_on(gross).rule is Rule.CALIBRATION


@pytest.mark.parametrize("metric", RANKING)
def test_a_candidate_with_a_better_ranking_is_promoted(metric: str) -> None:
    decision = decision_on(evidence(**{metric: {"value": 0.01, "low": 0.004, "high": 0.016}}), TWIN)

    assert (decision.promote, decision.rule) == (True, Rule.BETTER)
    assert decision.reason.endswith("is better: +0.01000 (+0.00400 to +0.01600)")


@pytest.mark.parametrize(
    ("metric", "change"),
    [
        ("auroc", {"value": -0.002, "low": -0.003, "high": -0.001}),  # shown, if small
        ("auroc", {"value": -0.004, "low": -0.012, "high": 0.004}),  # not shown, but large
        ("average_precision", {"value": -0.002, "low": -0.003, "high": -0.001}),
        ("average_precision", {"value": -0.006, "low": -0.018, "high": 0.006}),
        ("brier", {"value": 0.0001, "low": 0.00005, "high": 0.00015}),
        ("brier", {"value": 0.0004, "low": -0.0002, "high": 0.001}),
        ("auroc", interval(NAN)),
        ("brier", interval(NAN)),
    ],
)
def test_a_candidate_that_is_worse_in_one_metric_is_refused(metric: str, change: Interval) -> None:
    better = {name: interval(0.05, 0.01) for name in RANKING}
    decision = decision_on(evidence(**{**better, metric: change}))

    assert (decision.promote, decision.rule) == (False, Rule.WORSE)
    assert {"auroc": "AUROC", "average_precision": "average precision", "brier": "Brier score"}[
        metric
    ] in decision.reason


@pytest.mark.parametrize(
    ("unfair", "word"),
    [
        (group(auroc={"value": -0.02, "low": -0.03, "high": -0.011}), "AUROC falls"),
        (group(auroc={"value": -0.031, "low": -0.08, "high": 0.02}), "AUROC falls"),
        (group(auroc=interval(NAN)), "AUROC falls"),
        (group(miscalibration={"value": 0.15, "low": 0.11, "high": 0.2}), "calibration in the large gets worse"),
    ],
)
def test_a_candidate_that_is_worse_for_a_subgroup_is_refused(unfair: Subgroup, word: str) -> None:
    decision = decision_on(evidence(auroc=interval(0.02, 0.005), subgroups=(group(), unfair)))

    assert (decision.promote, decision.rule) == (False, Rule.SUBGROUP)
    assert decision.reason.startswith(f"for age [80-90) (409 of 3270 encounters readmitted) {word}: ")


def test_a_subgroup_may_fall_a_little() -> None:
    fallen = group(auroc={"value": -0.02, "low": -0.05, "high": 0.01}, miscalibration=interval(0.05, 0.06))

    assert decision_on(evidence(auroc=interval(0.02, 0.005), subgroups=(fallen,))).promote


@pytest.mark.parametrize(
    ("incumbent", "rule"),
    [
        (version("1", data_version="data before"), Rule.NEW_DATA),
        (version("1", code_version="code before"), Rule.NEW_CODE),
        (INCUMBENT, Rule.NEW_DATA),
        (TWIN, Rule.NOTHING_NEW),
    ],
)
def test_an_equal_candidate_needs_newer_data_or_newer_code(incumbent: Candidate, rule: Rule) -> None:
    decision = decision_on(evidence(), incumbent)

    assert (decision.promote, decision.rule) == (rule is not Rule.NOTHING_NEW, rule)
    assert decision.reason.startswith("it equals version 1")


@pytest.mark.parametrize("stale", [{"data_version": "data before"}, {"code_version": "code before"}])
def test_an_equal_candidate_of_older_data_or_code_is_refused(stale: dict[str, str]) -> None:
    decision = decision_on(evidence(), TWIN, version(**stale))

    assert (decision.promote, decision.rule) == (False, Rule.NOTHING_NEW)


def test_a_candidate_without_evidence_is_refused() -> None:
    assert decision_on(None).rule is Rule.SOUNDNESS
