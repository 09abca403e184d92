"""Micro-batching: small requests that arrive in the same turn of the event loop share one model call.

A model call costs several times as much as one more record in it. No request waits for others: the call is made in the
next turn, with the requests that are there by then; at once, if recent turns had one request each.
"""

from asyncio import Future, get_running_loop
from collections.abc import Sequence
from time import perf_counter
from typing import Final

from api.scoring.core import Predictions, ScoredRecords, combine, predict
from api.scoring.model_inputs import look_up_inputs
from api.storage.patient_history import PatientHistory
from ml.core.bundle import Bundle
from ml.schema import Record

MAX_RECORDS: Final = 64
"""Records in a call, unless a single request has more; the rest waits for the next turn."""

_Pending = tuple[Bundle, Sequence[Record], Future[Predictions]]


class MicroBatcher:
    """Scores small requests in the event loop."""

    def __init__(self, patient_history: PatientHistory) -> None:
        self.calls = 0
        self.seconds = 0.0  # spent in these calls
        self._patient_history = patient_history
        self._pending: list[_Pending] = []
        self._called_at_once = False  # in this turn
        self._is_busy = False  # recently, a turn had more than one request

    @property
    def waiting(self) -> int:
        """Requests that wait for the next call."""
        return len(self._pending)

    async def score(self, records: Sequence[Record], bundle: Bundle, interval: bool) -> ScoredRecords:
        """Score a few validated records; same result as :func:`api.scoring.core.score`."""
        inputs = await look_up_inputs(records, self._patient_history)
        if self._called_at_once:
            self._is_busy = True
        if self._is_busy or self._pending:
            predictions = await self.submit(inputs.records, bundle)
        else:
            self._called_at_once = True
            get_running_loop().call_soon(self._start_turn)
            predictions = self._call(inputs.records, bundle)
        return combine(records, inputs, predictions, bundle.reliability_curve, interval)

    def submit(self, inputs: Sequence[Record], bundle: Bundle) -> Future[Predictions]:
        """Queue model inputs for the next call."""
        loop = get_running_loop()
        predictions: Future[Predictions] = loop.create_future()
        if not self._pending:
            loop.call_soon(self._run_batch)
        self._pending.append((bundle, inputs, predictions))
        return predictions

    def _start_turn(self) -> None:
        self._called_at_once = False

    def _run_batch(self) -> None:
        batch = self._take_batch()
        self._is_busy = len(batch) > 1 or bool(self._pending)
        if self._pending:
            get_running_loop().call_soon(self._run_batch)
        bundle = batch[0][0]
        try:
            results = self._call([record for _, inputs, _ in batch for record in inputs], bundle)
        except Exception as error:  # noqa: BLE001 -- the requests of the batch get it
            for *_, predictions in batch:
                if not predictions.done():
                    predictions.set_exception(error)
            return
        start = 0
        for _, inputs, predictions in batch:
            end = start + len(inputs)
            if not predictions.done():  # done if the request was cancelled
                predictions.set_result(results if len(batch) == 1 else results.slice(start, end))
            start = end

    def _call(self, inputs: Sequence[Record], bundle: Bundle) -> Predictions:
        started = perf_counter()
        predictions = predict(inputs, bundle)
        self.calls += 1
        self.seconds += perf_counter() - started
        return predictions

    def _take_batch(self) -> list[_Pending]:
        """The first pending requests that have the same model and fit into a call."""
        bundle = self._pending[0][0]
        records = size = 0
        for other, inputs, _ in self._pending:
            records += len(inputs)
            if size and (other is not bundle or records > MAX_RECORDS):
                break
            size += 1
        batch, self._pending = self._pending[:size], self._pending[size:]
        return batch
