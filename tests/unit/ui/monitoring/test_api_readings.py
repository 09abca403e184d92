"""Growth of counters between readings, and quantiles, compared with what they are by definition."""

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.monitoring.api_readings import RESPONSES, Reading, growths
from ui.monitoring.api_samples import quantile

COUNTER = (RESPONSES, "200")


def reading(at: float, count: float, started: float = 0) -> Reading:
    return Reading(at, started, {COUNTER: count})


def grown(readings: list[Reading], start: float) -> float:
    return sum(one.by[COUNTER] for one in growths(readings, start))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_growth_is_the_difference_of_last_and_first(increments: list[int]) -> None:
    counts = [sum(increments[: number + 1]) for number in range(len(increments))]
    readings = [reading(100 + 15 * number, count) for number, count in enumerate(counts)]
    assert grown(readings, 100) == counts[-1] - counts[0]


def test_a_process_that_started_in_the_window_counts_from_0() -> None:
    assert grown([reading(100, 50), reading(115, 7, started=110)], 90) == 7


def test_what_was_counted_before_the_window_is_left_out() -> None:
    assert grown([reading(100, 50)], 90) == 0
    assert grown([reading(80, 50), reading(100, 60), reading(115, 62)], 90) == 2


def test_replicas_that_answer_in_turn_are_added_up() -> None:
    readings = [reading(at, count, started) for at, count, started in [(1, 5, -9), (2, 8, -7), (3, 6, -9), (4, 9, -7)]]
    assert grown(readings, 0) == 2


def test_a_worker_that_was_replaced_is_no_negative_growth() -> None:
    assert grown([reading(1, 100), reading(2, 40)], 0.5) == 0


BOUNDS = [0.01, 0.05, 0.1, 0.5, 1.0]


@given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_observation_of_its_rank(seconds: list[float], share: float) -> None:
    cumulative = {str(bound): float(sum(one <= bound for one in seconds)) for bound in BOUNDS}
    cumulative["+Inf"] = float(len(seconds))
    found = quantile(share, cumulative)
    assert found is not None
    rank = share * len(seconds)
    exact = next(one for number, one in enumerate(sorted(seconds), 1) if number >= rank)
    low, high = next((a, b) for a, b in pairwise([0.0, *BOUNDS]) if bisect_left([a, b], exact) == 1)
    assert low <= found <= high + 1e-12


@pytest.mark.parametrize("cumulative", [{}, {"0.1": 0.0, "+Inf": 0.0}])
def test_without_observations_there_is_no_quantile(cumulative: dict[str, float]) -> None:
    assert quantile(0.95, cumulative) is None


def test_a_quantile_above_the_last_bound_is_the_last_bound() -> None:
    assert quantile(0.99, {"0.1": 1.0, "+Inf": 100.0}) == 0.1
