"""The statistics of drift: distances, chance, many tests at once, three states."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.monitoring.drift import (
    DRAWS,
    FALSE_ALARMS,
    FEWEST,
    MINIMUM,
    Comparison,
    Counts,
    Kind,
    State,
    chance,
    distance,
    holm_level,
    independence,
    judge,
    overall,
)

REFERENCE = np.array([40_000, 20_000, 10_000, 5_000])


def compared(window: Counts, reference: Counts = REFERENCE, feature: str = "age") -> Comparison:
    bins = tuple(str(place) for place in range(len(window)))
    return Comparison(Kind.VALUE, feature, bins, np.array(window), np.array(reference))


def counts(bins: int) -> st.SearchStrategy[Counts]:
    return st.lists(st.integers(0, 5_000), min_size=bins, max_size=bins).map(np.array)


pairs = st.integers(1, 12).flatmap(lambda bins: st.tuples(counts(bins), counts(bins)))


@given(pairs)
@settings(deadline=None)
def test_a_distance_is_symmetric_and_lies_between_nothing_and_one(pair: tuple[Counts, Counts]) -> None:
    one, other = (each + np.eye(1, len(each), dtype=np.int64)[0] for each in pair)  # no side is empty
    found = float(distance(one, other))

    assert 0 <= found <= 1
    assert found == pytest.approx(float(distance(other, one)), abs=1e-9)
    assert float(distance(one, one * 7)) == pytest.approx(0, abs=1e-7)


@given(pairs, st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_every_finding_is_drift_exactly_from_its_threshold_on(pair: tuple[Counts, Counts], many: int) -> None:
    window, reference = pair
    others = [compared(REFERENCE // 100 + place, feature=str(place)) for place in range(many % 5)]
    (found, *_) = judge([compared(window, reference), *others])

    assert found.records == window.sum()
    if min(window.sum(), reference.sum()) < FEWEST:
        assert (found.state, found.distance, found.threshold) == (State.NOT_ENOUGH_DATA, None, None)
        return
    assert found.distance is not None
    assert found.threshold is not None
    assert found.p_value is not None
    assert found.threshold >= MINIMUM
    assert (found.state is State.DRIFT) == (found.distance >= found.threshold)
    assert 1 / (DRAWS + 1) <= found.p_value <= 1
    if found.state is State.DRIFT:
        assert found.p_value <= FALSE_ALARMS


@given(st.lists(st.floats(0, 1), max_size=60))
def test_the_common_level_rejects_just_what_holms_procedure_does(p_values: list[float]) -> None:
    rejected, ascending = 0, sorted(p_values)
    while rejected < len(ascending) and ascending[rejected] <= FALSE_ALARMS / (len(ascending) - rejected):
        rejected += 1

    assert sum(p_value <= holm_level(p_values) for p_value in p_values) == rejected


def test_chance_grows_as_samples_shrink_and_is_the_same_each_time() -> None:
    small, large = chance(REFERENCE, 200, 75_000), chance(REFERENCE, 5_000, 75_000)

    assert (small[[DRAWS // 2, -1]] > 2 * large[[DRAWS // 2, -1]]).all()
    assert (np.diff(small) >= 0).all()
    np.testing.assert_array_equal(small, chance(REFERENCE, 200, 75_000))


def test_chance_knows_that_a_small_reference_errs_too() -> None:
    assert np.median(chance(REFERENCE, 750, 750)) > 1.3 * np.median(chance(REFERENCE, 750, 75_000))


def test_stays_of_one_patient_count_for_less_than_those_of_strangers() -> None:
    assert independence(np.arange(50)) == 1
    assert independence(np.array(["a", "a", "b", "b"])) == 0.5
    assert independence(np.zeros(10)) == 0.1
    assert independence(np.empty(0)) == 1

    strangers, same = (replace(compared(np.array([400, 200, 100, 100])), window_weight=each) for each in (1.0, 0.25))
    (one,), (other,) = judge([strangers]), judge([same])
    assert (one.distance, one.records) == (other.distance, other.records)
    assert one.threshold is not None
    assert other.threshold is not None
    assert one.threshold < other.threshold


def test_samples_of_the_reference_alarm_no_more_often_than_they_may() -> None:
    """40 features of 10 bins in 400 runs. Within the 99 % range of a share of 5 % over so many runs."""
    generator, runs = np.random.default_rng(5), 400
    references = [generator.multinomial(50_000, generator.dirichlet(np.ones(10))) for _ in range(40)]
    alarms = 0
    for _ in range(runs):
        drawn = (generator.multinomial(1_000, reference / reference.sum()) for reference in references)
        tests = [compared(window, each, str(n)) for n, (window, each) in enumerate(zip(drawn, references, strict=True))]
        alarms += any(found.state is State.DRIFT for found in judge(tests))

    assert alarms / runs <= FALSE_ALARMS + 2.33 * np.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / runs)


def test_a_clear_shift_is_found_among_many_quiet_features() -> None:
    quiet = [compared(REFERENCE // 75, feature=f"quiet {number}") for number in range(94)]
    found = judge([*quiet, compared(np.array([400, 200, 100, 300]), feature="shifted")])

    assert [finding.feature for finding in found if finding.state is State.DRIFT] == ["shifted"]


def test_a_difference_that_is_sure_but_small_is_no_drift() -> None:
    (found,) = judge([compared(np.array([404_000, 198_000, 99_000, 50_000]), REFERENCE * 1_000)])

    assert found.p_value == 1 / (DRAWS + 1)
    assert (found.state, found.threshold) == (State.OK, MINIMUM)


def test_a_value_never_seen_before_is_drift_once_it_is_half_a_percent() -> None:
    never = np.array([80_000, 0])

    assert judge([compared(np.array([999, 1]), never)])[0].state is State.OK
    assert judge([compared(np.array([990, 10]), never)])[0].state is State.DRIFT


def test_fewer_than_a_hundred_records_are_not_enough_on_either_side() -> None:
    few, many = np.array([50, 49]), np.array([50, 50])

    assert judge([compared(few, many)])[0].state is State.NOT_ENOUGH_DATA
    assert judge([compared(many, few)])[0].state is State.NOT_ENOUGH_DATA
    assert judge([compared(many, many)])[0].state is State.OK


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.OK, State.DRIFT, State.NOT_ENOUGH_DATA], State.DRIFT),
        ([State.OK, State.NOT_ENOUGH_DATA], State.OK),
        ([State.NOT_ENOUGH_DATA], State.NOT_ENOUGH_DATA),
        ([], State.NOT_ENOUGH_DATA),
    ],
)
def test_a_run_is_in_drift_if_any_test_is_and_ok_if_any_could_be_made(states: list[State], expected: State) -> None:
    assert overall(states) is expected
