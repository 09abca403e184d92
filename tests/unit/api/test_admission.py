"""The limits of admission control."""

import asyncio

import pytest

from api.admission import Admission
from api.errors import OverloadedError


@pytest.fixture
def admission() -> Admission:
    return Admission(max_requests=2, max_bytes=100, max_large_batches=1, wait_seconds=60)


def test_requests_above_the_limit_are_shed_until_one_finishes(admission: Admission) -> None:
    admission.admit(0)
    admission.admit(0)

    with pytest.raises(OverloadedError):
        admission.admit(0)
    admission.release(0)
    admission.admit(0)

    assert admission.shed["requests"] == 1


def test_a_body_that_does_not_fit_is_shed_before_it_is_sent(admission: Admission) -> None:
    admission.admit(60)
    admission.receive(60)

    with pytest.raises(OverloadedError):
        admission.admit(60)

    assert (admission.requests, admission.shed["bytes"]) == (1, 1)


def test_a_body_without_declared_length_is_shed_when_it_exceeds_the_limit(admission: Admission) -> None:
    admission.admit(0)
    admission.receive(60)
    admission.admit(0)

    with pytest.raises(OverloadedError):
        admission.receive(60)
    admission.release(60)
    admission.release(60)

    assert (admission.requests, admission.body_bytes) == (0, 0)


def test_large_batches_take_turns_in_the_order_of_their_arrival(admission: Admission) -> None:
    order: list[int] = []

    async def take_a_turn(number: int) -> None:
        async with admission.large_batch():
            order.append(number)
            assert admission.large_batches == 1
            await asyncio.sleep(0)

    async def arrive_together() -> None:
        await asyncio.gather(*map(take_a_turn, range(3)))

    asyncio.run(arrive_together())

    assert order == [0, 1, 2]
    assert (admission.large_batches, admission.waiting, admission.shed["large_batches"]) == (0, 0, 0)


def test_a_large_batch_is_shed_when_its_turn_does_not_come_in_time() -> None:
    admission = Admission(max_requests=2, max_bytes=100, max_large_batches=1, wait_seconds=0)

    async def hold_the_only_slot() -> None:
        async with admission.large_batch():
            with pytest.raises(OverloadedError):
                async with admission.large_batch():
                    pass

    asyncio.run(hold_the_only_slot())

    assert (admission.large_batches, admission.waiting, admission.shed["large_batches"]) == (0, 0, 1)


def test_the_slot_of_a_large_batch_is_free_after_an_error_and_after_a_client_that_leaves(admission: Admission) -> None:
    async def fail() -> None:
        async with admission.large_batch():
            raise ValueError("something")

    async def leave_while_waiting() -> None:
        async with admission.large_batch():
            waiting = asyncio.create_task(fail())
            await asyncio.sleep(0)
            assert admission.waiting == 1
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        with pytest.raises(ValueError, match="something"):
            await fail()

    asyncio.run(leave_while_waiting())

    assert (admission.large_batches, admission.waiting, admission.shed["large_batches"]) == (0, 0, 0)
