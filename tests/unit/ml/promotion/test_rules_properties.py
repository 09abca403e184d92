"""Properties of the gate's decision for any evidence."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ml.evaluation.bootstrap import Interval
from ml.promotion.evidence import Candidate, Evidence, Rule, Subgroup
from ml.promotion.rules import MARGINS
from tests.unit.ml.promotion.decisions import RANKING, decision_on, evidence, group, interval, version


@st.composite
def intervals(draw: st.DrawFn, scale: float = 0.1) -> Interval:
    low, value, high = sorted(draw(st.floats(-scale, scale)) for _ in range(3))
    return {"value": value, "low": low, "high": high}


GROUPS = st.builds(group, intervals(), intervals())
EVIDENCE = st.builds(
    evidence,
    auroc=intervals(0.02),
    average_precision=intervals(0.02),
    brier=intervals(0.002),
    ece=intervals(0.05),
    calibration_intercept=intervals(0.3),
    calibration_slope=intervals(2),
    subgroups=st.lists(GROUPS, max_size=2).map(tuple),
)
CANDIDATES = st.builds(
    version,
    number=st.just("1"),
    provenance=st.sampled_from(["real", "synthetic"]),
    data_version=st.sampled_from(["data now", "data before", "data long ago"]),
    code_version=st.sampled_from(["code now", "code before", "code long ago"]),
    fault=st.sampled_from([None, None, None, "its graph is gone."]),
)


@given(CANDIDATES, EVIDENCE)
def test_a_damaged_candidate_is_never_promoted(incumbent: Candidate, figures: Evidence) -> None:
    for held in (incumbent, None):
        for known in (figures, None):
            decision = decision_on(known, held, version(fault="its checksum differs."))
            assert not decision.promote
            assert decision.rule is Rule.SOUNDNESS
            assert decision.reason == "the bundle is not sound: its checksum differs."


@given(CANDIDATES, EVIDENCE)
def test_synthetic_never_replaces_real(incumbent: Candidate, figures: Evidence) -> None:
    decision = decision_on(figures, replace(incumbent, provenance="real"), version(provenance="synthetic"))

    assert not decision.promote
    assert decision.rule is Rule.ORIGIN
    assert decision.reason == "it was trained on synthetic data and production on real data"


@given(CANDIDATES, EVIDENCE)
def test_calibrated_real_replaces_synthetic(incumbent: Candidate, some: Evidence) -> None:
    decision = decision_on(
        replace(some, calibration=evidence().calibration), replace(incumbent, provenance="synthetic")
    )

    assert decision.promote
    assert decision.rule is Rule.ORIGIN


@given(CANDIDATES, EVIDENCE)
def test_the_same_model_never_replaces_itself(one: Candidate, figures: Evidence) -> None:
    same = replace(figures, differences={name: interval(0.0) for name in MARGINS}, subgroups=())

    assert not decision_on(same, one, replace(one, version="2")).promote


@given(CANDIDATES, CANDIDATES, EVIDENCE)
def test_two_versions_never_replace_each_other_in_turn(one: Candidate, other: Candidate, figures: Evidence) -> None:
    seen_from_the_other_side = replace(
        figures,
        differences={name: mirrored(figure) for name, figure in figures.differences.items()},
        subgroups=tuple(
            replace(part, auroc=mirrored(part.auroc), miscalibration=mirrored(part.miscalibration))
            for part in figures.subgroups
        ),
    )

    assert not (decision_on(figures, other, one).promote and decision_on(seen_from_the_other_side, one, other).promote)


def mirrored(figure: Interval) -> Interval:
    return {"value": -figure["value"], "low": -figure["high"], "high": -figure["low"]}


@given(CANDIDATES, EVIDENCE, st.sampled_from(RANKING), st.floats(0, 1))
def test_a_better_lower_bound_never_turns_a_promotion_into_a_refusal(
    incumbent: Candidate, figures: Evidence, metric: str, share: float
) -> None:
    change = figures.differences[metric]
    raised = change | {"low": change["low"] + share * (change["value"] - change["low"])}
    better = replace(figures, differences={**figures.differences, metric: raised})

    assert decision_on(better, incumbent).promote >= decision_on(figures, incumbent).promote


@given(CANDIDATES, EVIDENCE, st.sampled_from(list(MARGINS)), st.floats(0, 0.05))
def test_a_better_figure_never_turns_a_promotion_into_a_refusal(
    incumbent: Candidate, figures: Evidence, metric: str, gain: float
) -> None:
    sign = -1 if metric == "brier" else 1
    moved = {end: number + sign * gain for end, number in figures.differences[metric].items()}
    better = replace(figures, differences={**figures.differences, metric: moved})

    assert decision_on(better, incumbent).promote >= decision_on(figures, incumbent).promote


@given(CANDIDATES, EVIDENCE, GROUPS)
def test_one_more_subgroup_never_turns_a_refusal_into_a_promotion(
    incumbent: Candidate, figures: Evidence, more: Subgroup
) -> None:
    with_more = replace(figures, subgroups=(*figures.subgroups, more))

    assert decision_on(with_more, incumbent).promote <= decision_on(figures, incumbent).promote


@given(CANDIDATES, CANDIDATES, EVIDENCE)
def test_every_decision_has_a_reason_and_its_rule_fits_it(one: Candidate, other: Candidate, figures: Evidence) -> None:
    decision = decision_on(figures, other, one)
    against = {Rule.SOUNDNESS, Rule.CALIBRATION, Rule.WORSE, Rule.SUBGROUP, Rule.NOTHING_NEW}
    in_favour = {Rule.FIRST, Rule.INCUMBENT, Rule.BETTER, Rule.NEW_DATA, Rule.NEW_CODE}

    assert decision.reason
    assert "\n" not in decision.reason
    assert decision.rule is Rule.ORIGIN or decision.rule in (in_favour if decision.promote else against)
