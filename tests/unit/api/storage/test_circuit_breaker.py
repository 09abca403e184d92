"""The states of the circuit breaker."""

import pytest

from api.storage.circuit_breaker import CircuitBreaker

COOLDOWN = 5.0


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(COOLDOWN, clock)


def test_closed_it_allows_all_calls(breaker: CircuitBreaker) -> None:
    assert [breaker.allows() for _ in range(3)] == [True, True, True]
    assert breaker.record_success() is False


def test_after_a_failure_it_allows_no_call(breaker: CircuitBreaker) -> None:
    assert breaker.record_failure() is True

    assert [breaker.allows() for _ in range(3)] == [False, False, False]
    assert breaker.record_failure() is False


def test_after_the_cooldown_it_allows_one_trial_call_and_closes_on_success(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    breaker.record_failure()
    clock.now += COOLDOWN

    assert [breaker.allows() for _ in range(3)] == [True, False, False]

    assert breaker.record_success() is True
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_trial_call_that_never_ends_is_followed_by_another(breaker: CircuitBreaker, clock: Clock) -> None:
    breaker.record_failure()
    clock.now += COOLDOWN
    assert breaker.allows()
    clock.now += COOLDOWN

    assert breaker.allows()
