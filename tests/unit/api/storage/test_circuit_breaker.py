"""What has just failed is left alone, then tried by one."""

import time

from api.storage.circuit_breaker import Breaker

PAUSE = 0.05


def test_all_are_let_through_while_all_is_well() -> None:
    breaker = Breaker(PAUSE)

    assert [breaker.admits() for _ in range(3)] == [True, True, True]
    assert breaker.succeeded() is False


def test_nobody_is_let_through_after_a_failure() -> None:
    breaker = Breaker(60)

    assert breaker.failed() is True

    assert [breaker.admits() for _ in range(3)] == [False, False, False]
    assert breaker.failed() is False


def test_after_the_pause_one_tries_for_all() -> None:
    breaker = Breaker(PAUSE)
    breaker.failed()
    time.sleep(PAUSE * 1.5)

    assert [breaker.admits() for _ in range(3)] == [True, False, False]

    assert breaker.succeeded() is True
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_a_trial_that_never_ends_is_followed_by_another() -> None:
    breaker = Breaker(PAUSE)
    breaker.failed()
    time.sleep(PAUSE * 1.5)
    assert breaker.admits()
    time.sleep(PAUSE * 1.5)

    assert breaker.admits()
