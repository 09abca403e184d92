"""The queueing simulation gives the closed forms of queueing theory, within the error of a sample."""

from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.scale.simulation import Prediction, Tier, Values, predict, simulate, summarise

REQUESTS = 100_000
BATCHES = 40
UNLIMITED = 10**9


def latencies(tier: Tier, load: float, seed: int = 1) -> Values:
    """Of requests with exponential service times of mean 1; the load is arrivals per unit of time."""
    generator = np.random.default_rng(seed)
    arrivals = np.cumsum(generator.exponential(1 / load, REQUESTS))
    return simulate(tier, arrivals, generator.exponential(1.0, REQUESTS), generator)


def check(values: Values | NDArray[np.bool_], expected: float) -> None:
    """The mean is the expected one within four standard errors, which are small.

    Waiting times near each other are correlated, so the standard error is that of the means of long batches.
    """
    means = [batch.mean() for batch in np.array_split(values[REQUESTS // 10 :], BATCHES)]
    error = float(np.std(means, ddof=1) / np.sqrt(BATCHES))
    assert error < 0.06 * expected
    assert np.mean(means) == pytest.approx(expected, abs=4 * error)


def erlang_c(servers: int, load: float) -> float:
    """Probability of a wait in M/M/c."""
    last = load**servers / factorial(servers) * servers / (servers - load)
    return last / (sum(load**n / factorial(n) for n in range(servers)) + last)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.7])
def test_one_replica_is_m_m_1(load: float) -> None:
    found = latencies(Tier(1, turn=1, limit=UNLIMITED), load)
    check(found, 1 / (1 - load))
    check(found > np.log(10) / (1 - load), 0.1)  # the time in the system is exponential


def test_replicas_without_a_choice_are_as_many_m_m_1() -> None:
    found = latencies(Tier(4, choices=1, turn=1, limit=UNLIMITED), 4 * 0.6)
    check(found, 1 / (1 - 0.6))


@pytest.mark.parametrize(("cores", "load"), [(2, 1.2), (4, 2.8)])
def test_so_many_replicas_that_none_has_two_requests_on_shared_cores_are_m_m_c(cores: int, load: float) -> None:
    found = latencies(Tier(2_000, cores=cores, turn=1, limit=UNLIMITED), load)
    check(found, 1 + erlang_c(cores, load) / (cores - load))


def test_a_limit_refuses_as_m_m_1_k_does() -> None:
    load, limit = 0.8, 5
    refused = np.isnan(latencies(Tier(1, turn=1, limit=limit), load))
    check(refused, (1 - load) * load**limit / (1 - load ** (limit + 1)))


def test_two_choices_of_many_replicas_wait_as_mitzenmacher_says() -> None:
    """Mean time in the limit of many replicas: the sum of load ** (2 ** i - 2) over i from 1."""
    load = 0.9
    found = latencies(Tier(200, turn=1, limit=UNLIMITED), 200 * load)
    expected = sum(load ** (2**i - 2) for i in range(1, 12))
    assert found[REQUESTS // 10 :].mean() == pytest.approx(expected, rel=0.03)


def test_requests_that_share_a_turn_take_less_than_one_after_the_other() -> None:
    arrivals, services = np.array([0.0, 0.1, 0.2]), np.ones(3)
    found = simulate(Tier(1, further=0.5), arrivals, services, np.random.default_rng(1))
    assert found == pytest.approx([1.0, 2.4, 2.3]), "the second and the third end together, 1.5 after the first"


def test_above_its_capacity_a_tier_answers_as_much_as_it_can_and_refuses_the_rest() -> None:
    found = predict(Tier(2, cores=1, turn=1, limit=10), rate=2_000, quantiles=[0.001, 0.001], requests=20_000)
    assert found.per_second == pytest.approx(1_000, rel=0.02)
    assert found.refused == pytest.approx(0.5, abs=0.02)


def test_figures_leave_out_the_warm_up_and_refused_requests() -> None:
    arrivals = np.arange(1.0, 21.0)
    times = np.array([9.0, 9.0, *[0.001] * 9, *[0.003] * 8, np.nan])
    assert summarise(arrivals, times) == Prediction(1.0, 0.0556, 1.0, 3.0)
