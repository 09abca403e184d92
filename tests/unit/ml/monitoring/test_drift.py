"""Drift statistics: distance, null distribution, multiple testing, states."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.monitoring.drift import (
    DRAWS,
    FALSE_ALARM_RATE,
    MIN_DISTANCE,
    MIN_RECORDS,
    Comparison,
    Counts,
    Kind,
    State,
    distance,
    effective_share,
    holm_level,
    null_distances,
    overall_state,
    run_tests,
)

COUNTS = (40_000, 20_000, 10_000, 5_000)
REFERENCE = np.array(COUNTS)


def compared(window: Counts, reference: Counts = REFERENCE, feature: str = "age") -> Comparison:
    bins = tuple(str(place) for place in range(len(window)))
    return Comparison(Kind.VALUE, feature, bins, np.array(window), np.array(reference))


def counts(bins: int) -> st.SearchStrategy[Counts]:
    return st.lists(st.integers(0, 5_000), min_size=bins, max_size=bins).map(np.array)


pairs = st.integers(1, 12).flatmap(lambda bins: st.tuples(counts(bins), counts(bins)))


@given(pairs)
@settings(deadline=None)
def test_distance_is_symmetric_and_between_zero_and_one(pair: tuple[Counts, Counts]) -> None:
    one, other = (each + np.eye(1, len(each), dtype=np.int64)[0] for each in pair)  # no side is empty
    found = float(distance(one, other))

    assert 0 <= found <= 1
    assert found == pytest.approx(float(distance(other, one)), abs=1e-9)
    assert float(distance(one, one * 7)) == pytest.approx(0, abs=1e-7)


@given(pairs, st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_a_finding_is_drift_if_its_distance_reaches_the_threshold(pair: tuple[Counts, Counts], many: int) -> None:
    window, reference = pair
    others = [compared(REFERENCE // 100 + place, feature=str(place)) for place in range(many % 5)]
    (found, *_) = run_tests([compared(window, reference), *others])

    assert found.records == window.sum()
    if min(window.sum(), reference.sum()) < MIN_RECORDS:
        assert (found.state, found.distance, found.threshold) == (State.NOT_ENOUGH_DATA, None, None)
        return
    assert found.distance is not None
    assert found.threshold is not None
    assert found.p_value is not None
    assert found.threshold >= MIN_DISTANCE
    assert (found.state is State.DRIFT) == (found.distance >= found.threshold)
    assert 1 / (DRAWS + 1) <= found.p_value <= 1
    if found.state is State.DRIFT:
        assert found.p_value <= FALSE_ALARM_RATE


@given(st.lists(st.floats(0, 1), max_size=60))
def test_the_level_rejects_the_same_tests_as_holms_procedure(p_values: list[float]) -> None:
    rejected, ascending = 0, sorted(p_values)
    while rejected < len(ascending) and ascending[rejected] <= FALSE_ALARM_RATE / (len(ascending) - rejected):
        rejected += 1

    assert sum(p_value <= holm_level(p_values) for p_value in p_values) == rejected


def test_null_distances_grow_with_smaller_samples_and_are_deterministic() -> None:
    small, large = null_distances(COUNTS, 200, 75_000), null_distances(COUNTS, 5_000, 75_000)

    assert (small[[DRAWS // 2, -1]] > 2 * large[[DRAWS // 2, -1]]).all()
    assert (np.diff(small) >= 0).all()
    null_distances.cache_clear()
    np.testing.assert_array_equal(small, null_distances(COUNTS, 200, 75_000))


def test_null_distances_include_the_sampling_error_of_the_reference() -> None:
    assert np.median(null_distances(COUNTS, 750, 750)) > 1.3 * np.median(null_distances(COUNTS, 750, 75_000))


def test_repeated_patients_reduce_the_effective_sample_size() -> None:
    assert effective_share(np.arange(50)) == 1
    assert effective_share(np.array(["a", "a", "b", "b"])) == 0.5
    assert effective_share(np.zeros(10)) == 0.1
    assert effective_share(np.empty(0)) == 1

    strangers, same = (replace(compared(np.array([400, 200, 100, 100])), window_weight=each) for each in (1.0, 0.25))
    (one,), (other,) = run_tests([strangers]), run_tests([same])
    assert (one.distance, one.records) == (other.distance, other.records)
    assert one.threshold is not None
    assert other.threshold is not None
    assert one.threshold < other.threshold


def test_the_false_alarm_rate_is_kept_over_many_features() -> None:
    """40 features of 10 bins in 400 runs; the limit is the 99 % quantile of a rate of 5 %."""
    generator, runs = np.random.default_rng(5), 400
    references = [generator.multinomial(50_000, generator.dirichlet(np.ones(10))) for _ in range(40)]
    alarms = 0
    for _ in range(runs):
        drawn = (generator.multinomial(1_000, reference / reference.sum()) for reference in references)
        tests = [compared(window, each, str(n)) for n, (window, each) in enumerate(zip(drawn, references, strict=True))]
        alarms += any(found.state is State.DRIFT for found in run_tests(tests))

    assert alarms / runs <= FALSE_ALARM_RATE + 2.33 * np.sqrt(FALSE_ALARM_RATE * (1 - FALSE_ALARM_RATE) / runs)


def test_a_large_shift_is_found_among_many_features_without_drift() -> None:
    quiet = [compared(REFERENCE // 75, feature=f"quiet {number}") for number in range(94)]
    found = run_tests([*quiet, compared(np.array([400, 200, 100, 300]), feature="shifted")])

    assert [finding.feature for finding in found if finding.state is State.DRIFT] == ["shifted"]


def test_a_significant_but_small_distance_is_not_drift() -> None:
    (found,) = run_tests([compared(np.array([404_000, 198_000, 99_000, 50_000]), REFERENCE * 1_000)])

    assert found.p_value == 1 / (DRAWS + 1)
    assert (found.state, found.threshold) == (State.OK, MIN_DISTANCE)


def test_a_new_value_is_drift_from_half_a_percent_on() -> None:
    never = np.array([80_000, 0])

    assert run_tests([compared(np.array([999, 1]), never)])[0].state is State.OK
    assert run_tests([compared(np.array([990, 10]), never)])[0].state is State.DRIFT


def test_fewer_than_a_hundred_records_on_either_side_are_not_enough() -> None:
    few, many = np.array([50, 49]), np.array([50, 50])

    assert run_tests([compared(few, many)])[0].state is State.NOT_ENOUGH_DATA
    assert run_tests([compared(many, few)])[0].state is State.NOT_ENOUGH_DATA
    assert run_tests([compared(many, many)])[0].state is State.OK


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.OK, State.DRIFT, State.NOT_ENOUGH_DATA], State.DRIFT),
        ([State.OK, State.NOT_ENOUGH_DATA], State.OK),
        ([State.NOT_ENOUGH_DATA], State.NOT_ENOUGH_DATA),
        ([], State.NOT_ENOUGH_DATA),
    ],
)
def test_the_state_of_a_run_is_the_worst_of_its_tests(states: list[State], expected: State) -> None:
    assert overall_state(states) is expected
