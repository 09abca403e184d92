"""The use case, free of HTTP: the bytes of a body in, checked records and their answers out."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from api.contract.parsing import read_large
from api.storage.patient_history import NONE, Encounters, History, patients_of, recall
from ml.core.bundle import Bundle
from ml.core.reliability import ReliabilityCurve, known_fields
from ml.schema import Record

INLINE_BYTES: Final = 16 * 1024
INLINE_RECORDS: Final = 64
"""A body up to this size is scored in the event loop, within a millisecond or a few; a larger one in a thread."""

LARGE_BYTES: Final = 256 * 1024
"""A body above this size is read and answered with the help of a process of its own; see
:mod:`api.scoring.large_batches`."""

CHUNK: Final = 250
"""Records given to the graph at a time. It bounds the memory of a large batch, and how long the interpreter is locked
while texts are handed over."""


class Scored(NamedTuple):
    """Records as they were understood and what is said of them; everything of length n, in the same order.

    Attributes:
        records: with identifiers, without history.
        probabilities: of readmission within 30 days.
        known_fields: how many of the 47 features each record gave.
        reliability: expected AUROC of such an answer.
        history: keys of :data:`api.storage.patient_history.STATES`.
        intervals: lower and upper end for each record, shape ``(n, 2)``; None when not asked for.
    """

    records: Sequence[Record]
    probabilities: NDArray[np.float32]
    known_fields: list[int]
    reliability: list[float]
    history: list[str]
    intervals: NDArray[np.float32] | None


class Answers(NamedTuple):
    """What the model says of records, and how much it rests on; everything in their order."""

    probabilities: NDArray[np.float32]
    known_fields: list[int]
    reliability: list[float]

    def part(self, start: int, end: int) -> "Answers":
        """The answers to some of the records."""
        some = slice(start, end)
        return Answers(self.probabilities[some], self.known_fields[some], self.reliability[some])


def is_small(body: bytes) -> bool:
    """Whether a body is scored within the event loop; an upper bound of its records is the braces it opens."""
    return len(body) <= INLINE_BYTES and body.count(b"{") <= INLINE_RECORDS + 1


def score_large(body: bytes, bundle: Bundle, max_records: int, history: History, interval: bool) -> Scored:
    """Score a body of any size, in a thread that may wait.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it does not hold 1 to `max_records` valid records.
    """
    records = read_large(body, max_records)
    patients = patients_of(records)
    return score(records, history.find_blocking(patients) if patients else None, bundle, interval)


def score(records: Sequence[Record], found: Encounters | None, bundle: Bundle, interval: bool) -> Scored:
    """Score checked records.

    Args:
        records: what was asked.
        found: encounters of the patients that the records name; None when they name none.
        bundle: the model.
        interval: whether to tell the ranges too.
    """
    inputs, history = with_history(records, found)
    return scored_as(records, inputs, history, answer(inputs, bundle), bundle.reliability_curve, interval)


def with_history(records: Sequence[Record], found: Encounters | None) -> tuple[Sequence[Record], list[str]]:
    """Records as the model takes them, and for each what became of its patient's history."""
    if found is None:
        return records, [NONE] * len(records)
    recalled = [recall(record, found) for record in records]
    return [record for record, _ in recalled], [state for _, state in recalled]


def answer(inputs: Sequence[Record], bundle: Bundle) -> Answers:
    """What the model says of records as it takes them."""
    return judge(inputs, _predict(bundle, inputs), bundle.reliability_curve)


def judge(inputs: Sequence[Record], probabilities: NDArray[np.float32], completeness: ReliabilityCurve) -> Answers:
    """The model's answers to records, and what they rest on."""
    return Answers(probabilities, [known_fields(record) for record in inputs], reliability(completeness, inputs))


def scored_as(
    records: Sequence[Record],
    inputs: Sequence[Record],
    history: list[str],
    answers: Answers,
    completeness: ReliabilityCurve,
    interval: bool,
) -> Scored:
    """All that is said of records; `inputs` are the same as the model took them."""
    known, expected, chances = answers.known_fields, answers.reliability, answers.probabilities
    intervals = completeness.ranges(inputs, chances).astype(np.float32) if interval else None
    return Scored(records, chances, known, expected, history, intervals)


def as_json(scored: Scored, model: orjson.Fragment, request_id: str) -> bytes:
    """The body of the answer, as :class:`api.contract.responses.PredictResponse` describes."""
    document: dict[str, Any] = {
        "predictions": scored.probabilities,
        "known_fields": scored.known_fields,
        "reliability": scored.reliability,
        "history": scored.history,
        "model": model,
        "request_id": request_id,
    }
    if scored.intervals is not None:
        document["intervals"] = np.ascontiguousarray(scored.intervals)
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def reliability(completeness: ReliabilityCurve, inputs: Sequence[Record]) -> list[float]:
    """Expected AUROC of the answer to each record as the model takes it, to three digits."""
    return [round(completeness.expected_auroc(record), 3) for record in inputs]


def _predict(bundle: Bundle, inputs: Sequence[Record]) -> NDArray[np.float32]:
    if len(inputs) <= CHUNK:
        return bundle.predict(inputs)
    chunks = [bundle.predict(inputs[start : start + CHUNK]) for start in range(0, len(inputs), CHUNK)]
    return np.concatenate(chunks)
