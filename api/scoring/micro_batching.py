"""Small requests that arrive in the same turn of the event loop are scored in one call of the graph.

A call costs several times what one more record in it costs. Nobody waits for company: the call is made in the next
turn, with whoever is there by then. Where nobody came in the last turns either, it is made at once.
"""

from asyncio import Future, get_running_loop
from collections.abc import Sequence
from time import perf_counter
from typing import Final

from api.contract.parsing import read_small
from api.scoring.core import Answers, Scored, answer, scored_as, with_history
from api.storage.patient_history import History, patients_of
from ml.core.bundle import Bundle
from ml.schema import Record

MOST_RECORDS: Final = 64
"""Records in a call, unless a single request has more; the rest waits for the next turn."""

_Asked = tuple[Bundle, Sequence[Record], Future[Answers]]


class MicroBatcher:
    """Answers what is asked in the event loop, many requests at a time."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0  # in these calls
        self._waiting: list[_Asked] = []
        self._answered_one = False  # in this turn, at once
        self._has_company = False  # of late, more than one request came in a turn

    @property
    def waiting(self) -> int:
        """Requests that wait for the next call."""
        return len(self._waiting)

    async def score(self, body: bytes, bundle: Bundle, max_records: int, history: History, interval: bool) -> Scored:
        """Score a small body; same answers and errors as :func:`api.scoring.core.score_large`."""
        records = read_small(body, max_records)
        patients = patients_of(records)
        inputs, states = with_history(records, await history.find(patients) if patients else None)
        if self._answered_one:
            self._has_company = True
        if self._has_company or self._waiting:
            answers = await self.answer(inputs, bundle)
        else:
            answers = self._at_once(inputs, bundle)
        return scored_as(records, inputs, states, answers, bundle.reliability_curve, interval)

    def _at_once(self, inputs: Sequence[Record], bundle: Bundle) -> Answers:
        self._answered_one = True
        get_running_loop().call_soon(self._begin_turn)
        return self._call(inputs, bundle)

    def _begin_turn(self) -> None:
        self._answered_one = False

    def answer(self, inputs: Sequence[Record], bundle: Bundle) -> Future[Answers]:
        """What the model says of records as it takes them."""
        loop = get_running_loop()
        answers: Future[Answers] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer_some)
        self._waiting.append((bundle, inputs, answers))
        return answers

    def _answer_some(self) -> None:
        some = self._take()
        self._has_company = len(some) > 1 or bool(self._waiting)
        if self._waiting:
            get_running_loop().call_soon(self._answer_some)
        bundle = some[0][0]
        try:
            found = self._call([record for _, inputs, _ in some for record in inputs], bundle)
        except Exception as error:  # noqa: BLE001 -- whoever asked gets it
            for *_, answers in some:
                if not answers.done():
                    answers.set_exception(error)
            return
        start = 0
        for _, inputs, answers in some:
            end = start + len(inputs)
            if not answers.done():  # the client may have left
                answers.set_result(found if len(some) == 1 else found.part(start, end))
            start = end

    def _call(self, inputs: Sequence[Record], bundle: Bundle) -> Answers:
        begun = perf_counter()
        found = answer(inputs, bundle)
        self.calls += 1
        self.seconds += perf_counter() - begun
        return found

    def _take(self) -> list[_Asked]:
        """Who waits for the same model, from the first on, as long as there is room."""
        bundle = self._waiting[0][0]
        records = taken = 0
        for asked_of, inputs, _ in self._waiting:
            records += len(inputs)
            if taken and (asked_of is not bundle or records > MOST_RECORDS):
                break
            taken += 1
        some, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return some
