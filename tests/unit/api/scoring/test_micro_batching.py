"""Small requests that share a model call."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from api.scoring.micro_batching import MAX_RECORDS, MicroBatcher
from api.storage.patient_history import PatientHistory
from ml.core.bundle import Bundle
from ml.schema import Record
from tests.integration.api.bundles import RELIABILITY_CURVE

NO_HISTORY = cast(PatientHistory, None)  # no record has a patient number


class Model:
    """Predicts the number of inpatient stays, and remembers the number of records of each call."""

    def __init__(self, *, broken: bool = False) -> None:
        self.reliability_curve = RELIABILITY_CURVE
        self.calls: list[int] = []
        self._broken = broken

    def predict(self, records: Sequence[Record]) -> NDArray[np.float32]:
        self.calls.append(len(records))
        if self._broken:
            raise RuntimeError("broken")
        return np.array([record["number_inpatient"] for record in records], dtype=np.float32)


def record(number: int) -> Record:
    return {"number_inpatient": number}


async def submit(batcher: MicroBatcher, model: Model, sizes: Sequence[int]) -> list[Any]:
    numbers = [range(sum(sizes[:index]), sum(sizes[: index + 1])) for index in range(len(sizes))]
    pending = [batcher.submit([record(number) for number in some], cast(Bundle, model)) for some in numbers]
    results = await asyncio.gather(*pending, return_exceptions=True)
    return [
        result if isinstance(result, BaseException) else (list(result.probabilities), result.known_fields)
        for result in results
    ]


def test_requests_of_the_same_turn_share_one_call_and_get_their_own_predictions() -> None:
    model = Model()

    results = asyncio.run(submit(MicroBatcher(NO_HISTORY), model, [1, 3, 2]))

    assert results == [([0], [1]), ([1, 2, 3], [1, 1, 1]), ([4, 5], [1, 1])]
    assert model.calls == [6]


def test_the_size_of_a_call_is_bounded_and_every_request_gets_its_prediction() -> None:
    model = Model()

    results = asyncio.run(submit(MicroBatcher(NO_HISTORY), model, [1] * (2 * MAX_RECORDS + 1)))

    assert [probabilities for probabilities, _ in results] == [[number] for number in range(2 * MAX_RECORDS + 1)]
    assert model.calls == [MAX_RECORDS, MAX_RECORDS, 1]


def test_each_request_is_scored_by_its_own_model() -> None:
    async def both(batcher: MicroBatcher) -> None:
        await asyncio.gather(submit(batcher, old, [1, 1]), submit(batcher, new, [2]))

    old, new = Model(), Model()
    asyncio.run(both(MicroBatcher(NO_HISTORY)))

    assert (old.calls, new.calls) == ([2], [2])


def test_a_cancelled_request_does_not_affect_the_others() -> None:
    async def cancel() -> NDArray[np.float32]:
        batcher = MicroBatcher(NO_HISTORY)
        cancelled, other = (batcher.submit([record(number)], cast(Bundle, Model())) for number in (1, 2))
        cancelled.cancel()
        return (await other).probabilities

    assert list(asyncio.run(cancel())) == [2]


def test_an_error_of_the_model_is_raised_in_each_request_of_the_call() -> None:
    results = asyncio.run(submit(MicroBatcher(NO_HISTORY), Model(broken=True), [1, 1]))

    assert all(isinstance(error, RuntimeError) for error in results)


@pytest.mark.parametrize("size", [1, MAX_RECORDS, MAX_RECORDS + 1])
def test_a_single_request_of_any_size_is_scored(size: int) -> None:
    model = Model()

    asyncio.run(submit(MicroBatcher(NO_HISTORY), model, [size]))

    assert model.calls == [size]


def test_a_single_request_is_scored_at_once_and_concurrent_ones_by_one_call() -> None:
    model = Model()

    async def score(batcher: MicroBatcher, counts: Sequence[int]) -> None:
        for count in counts:
            await asyncio.gather(*(batcher.score([record(3)], cast(Bundle, model), False) for _ in range(count)))
            await asyncio.sleep(0)

    asyncio.run(score(MicroBatcher(NO_HISTORY), [1, 1, 4, 4, 1, 1]))

    # The first of four is scored before the others arrive. From then on calls wait for the next turn, until a turn
    # has a single request again.
    assert model.calls == [1, 1, 1, 3, 4, 1, 1]


def test_calls_and_their_time_are_counted() -> None:
    batcher = MicroBatcher(NO_HISTORY)
    asyncio.run(submit(batcher, Model(), [1, 1, MAX_RECORDS]))
    assert batcher.calls == 2
    assert batcher.seconds > 0
    assert batcher.waiting == 0
