"""Small requests that are scored together."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from api.scoring.micro_batching import MOST_RECORDS, MicroBatcher
from api.storage.patient_history import History
from ml.core.bundle import Bundle
from ml.schema import Record
from tests.integration.api.bundles import COMPLETENESS


class Model:
    """Answers with the number of inpatient stays, and remembers how many records it was asked about at a time."""

    def __init__(self, *, broken: bool = False) -> None:
        self.reliability_curve = COMPLETENESS
        self.calls: list[int] = []
        self._broken = broken

    def predict(self, records: Sequence[Record]) -> NDArray[np.float32]:
        self.calls.append(len(records))
        if self._broken:
            raise RuntimeError("broken")
        return np.array([record["number_inpatient"] for record in records], dtype=np.float32)


def record(number: int) -> Record:
    return {"number_inpatient": number}


async def ask(together: MicroBatcher, model: Model, sizes: Sequence[int]) -> list[Any]:
    numbers = [range(sum(sizes[:index]), sum(sizes[: index + 1])) for index in range(len(sizes))]
    waiting = [together.answer([record(number) for number in some], cast(Bundle, model)) for some in numbers]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    return [
        found if isinstance(found, BaseException) else (list(found.probabilities), found.known_fields)
        for found in answers
    ]


def test_who_asks_in_the_same_turn_is_answered_by_one_call_each_with_the_own_answers() -> None:
    model = Model()

    answers = asyncio.run(ask(MicroBatcher(), model, [1, 3, 2]))

    assert answers == [([0], [1]), ([1, 2, 3], [1, 1, 1]), ([4, 5], [1, 1])]
    assert model.calls == [6]


def test_no_call_is_longer_than_it_may_be_and_nobody_is_forgotten() -> None:
    model = Model()

    answers = asyncio.run(ask(MicroBatcher(), model, [1] * (2 * MOST_RECORDS + 1)))

    assert [probabilities for probabilities, _ in answers] == [[number] for number in range(2 * MOST_RECORDS + 1)]
    assert model.calls == [MOST_RECORDS, MOST_RECORDS, 1]


def test_each_is_answered_by_the_model_that_it_asked() -> None:
    async def both(together: MicroBatcher) -> None:
        await asyncio.gather(ask(together, old, [1, 1]), ask(together, new, [2]))

    old, new = Model(), Model()
    asyncio.run(both(MicroBatcher()))

    assert (old.calls, new.calls) == ([2], [2])


def test_who_leaves_takes_nobody_with_it() -> None:
    async def leave() -> NDArray[np.float32]:
        together = MicroBatcher()
        gone, stays = (together.answer([record(number)], cast(Bundle, Model())) for number in (1, 2))
        gone.cancel()
        return (await stays).probabilities

    assert list(asyncio.run(leave())) == [2]


def test_a_model_that_fails_fails_those_who_asked_it() -> None:
    answers = asyncio.run(ask(MicroBatcher(), Model(broken=True), [1, 1]))

    assert all(isinstance(error, RuntimeError) for error in answers)


@pytest.mark.parametrize("size", [1, MOST_RECORDS, MOST_RECORDS + 1])
def test_a_single_request_of_any_size_is_answered(size: int) -> None:
    model = Model()

    asyncio.run(ask(MicroBatcher(), model, [size]))

    assert model.calls == [size]


def test_who_comes_alone_is_answered_at_once_and_those_who_come_together_by_one_call() -> None:
    model = Model()

    async def come(together: MicroBatcher, visitors: Sequence[int]) -> None:
        body = b'{"records": [{"number_inpatient": 3}]}'
        for count in visitors:
            asked = (body, cast(Bundle, model), 1, cast(History, None), False)
            await asyncio.gather(*(together.score(*asked) for _ in range(count)))
            await asyncio.sleep(0)

    asyncio.run(come(MicroBatcher(), [1, 1, 4, 4, 1, 1]))

    # The first of four is answered before the others show; from then on they are waited for, until one comes alone.
    assert model.calls == [1, 1, 1, 3, 4, 1, 1]


def test_calls_and_their_time_are_counted_and_nobody_waits_when_all_have_their_answer() -> None:
    together = MicroBatcher()
    asyncio.run(ask(together, Model(), [1, 1, MOST_RECORDS]))
    assert together.calls == 2
    assert together.seconds > 0
    assert together.waiting == 0
