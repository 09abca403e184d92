"""The gate as a pure decision: each reason for and against, and what holds for any figures."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ml.promote import BRIER_SLACK, Contender, decide

UNIT = st.floats(0, 1)


def contender(
    auroc: float = 0.67, brier: float = 0.095, provenance: str = "real", fault: str | None = None
) -> Contender:
    metrics = {name: {"value": value, "low": 0.0, "high": 1.0} for name, value in (("auroc", auroc), ("brier", brier))}
    return Contender("1", provenance, "v", metrics, fault)


CONTENDERS = st.builds(
    contender, UNIT, UNIT, st.sampled_from(["real", "synthetic"]), st.one_of(st.none(), st.just("it is damaged."))
)


@given(CONTENDERS)
def test_a_damaged_candidate_is_never_promoted(incumbent: Contender) -> None:
    for held in (incumbent, None):
        decision = decide(contender(auroc=1, brier=0, fault="its checksum differs."), held)
        assert not decision.promote
        assert decision.reason == "the bundle is not sound: its checksum differs."


@given(CONTENDERS)
def test_the_first_sound_version_is_promoted_as_it_is(candidate: Contender) -> None:
    decision = decide(replace(candidate, fault=None), None)

    assert decision.promote
    assert decision.reason == "the first version"


@given(UNIT, UNIT, CONTENDERS)
def test_synthetic_never_replaces_real(auroc: float, brier: float, incumbent: Contender) -> None:
    decision = decide(contender(auroc, brier, "synthetic"), replace(incumbent, provenance="real"))

    assert not decision.promote
    assert decision.reason == "it was trained on synthetic data and production on real data"


@given(UNIT, UNIT, CONTENDERS)
def test_real_always_replaces_synthetic(auroc: float, brier: float, incumbent: Contender) -> None:
    decision = decide(contender(auroc, brier, "real"), replace(incumbent, provenance="synthetic"))

    assert decision.promote
    assert decision.reason == "it was trained on real data and production on synthetic data"


@given(UNIT, UNIT)
def test_a_damaged_production_version_is_replaced_by_a_sound_one(auroc: float, brier: float) -> None:
    decision = decide(contender(auroc, brier), contender(fault="its graph is gone."))

    assert decision.promote
    assert decision.reason == "the present production version is not sound: its graph is gone."


@given(UNIT, UNIT, UNIT, UNIT)
def test_among_equals_in_origin_the_figures_decide(auroc: float, brier: float, held: float, held_brier: float) -> None:
    decision = decide(contender(auroc, brier), contender(held, held_brier))

    assert decision.promote == (auroc > held and brier <= held_brier + BRIER_SLACK)


@given(UNIT, UNIT)
def test_a_version_never_replaces_its_equal(auroc: float, brier: float) -> None:
    assert not decide(contender(auroc, brier), contender(auroc, brier)).promote


@given(CONTENDERS, CONTENDERS)
def test_two_versions_never_replace_each_other(one: Contender, other: Contender) -> None:
    assert not (decide(one, other).promote and decide(other, one).promote)


def test_the_reason_tells_the_figures() -> None:
    better, worse = contender(0.68, 0.094), contender(0.67, 0.095)

    assert decide(better, worse).reason == "AUROC 0.6800 is better than 0.6700, Brier score 0.09400 not worse"
    assert decide(worse, better).reason == "AUROC 0.6700 is not better than 0.6800"
    assert decide(contender(0.69, 0.1), better).reason == "Brier score 0.10000 is worse than 0.09400"


def test_figures_that_are_not_numbers_are_refused() -> None:
    assert not decide(contender(float("nan")), contender()).promote
    assert not decide(contender(0.9, float("nan")), contender()).promote
