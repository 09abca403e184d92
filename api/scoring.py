"""The use case, free of HTTP: the bytes of a body in, checked records and their answers out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.history import NONE, Found, History, patients_of, recall
from api.parsing import read_large, read_small
from ml.bundle import Bundle, Record
from ml.completeness import Completeness, known_fields

INLINE_BYTES: Final = 16 * 1024
INLINE_RECORDS: Final = 64
"""A body up to this size is scored in the event loop, within a millisecond or a few; a larger one in a thread."""

CHUNK: Final = 1_000
"""Records given to the graph at a time, which bounds the memory of a large batch."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Records as they were understood and what is said of them; everything of length n, in the same order.

    Attributes:
        records: with identifiers, without history.
        probabilities: of readmission within 30 days.
        known_fields: how many of the 47 features each record gave.
        reliability: expected AUROC of such an answer.
        history: keys of :data:`api.history.STATES`.
        intervals: lower and upper end for each record, shape ``(n, 2)``; None when not asked for.
    """

    records: Sequence[Record]
    probabilities: NDArray[np.float32]
    known_fields: list[int]
    reliability: list[float]
    history: list[str]
    intervals: NDArray[np.float32] | None


def is_small(body: bytes) -> bool:
    """Whether a body is scored within the event loop; an upper bound of its records is the braces it opens."""
    return len(body) <= INLINE_BYTES and body.count(b"{") <= INLINE_RECORDS + 1


async def score_small(body: bytes, bundle: Bundle, max_records: int, history: History, interval: bool) -> Scored:
    """Score a small body in the event loop; only a lookup of patients is awaited.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it does not hold 1 to `max_records` valid records.
    """
    records = read_small(body, max_records)
    patients = patients_of(records)
    return score(records, await history.find(patients) if patients else None, bundle, interval)


def score_large(body: bytes, bundle: Bundle, max_records: int, history: History, interval: bool) -> Scored:
    """Score a body of any size, in a thread that may wait; same answers and errors as :func:`score_small`."""
    records = read_large(body, max_records)
    patients = patients_of(records)
    return score(records, history.find_blocking(patients) if patients else None, bundle, interval)


def score(records: Sequence[Record], found: Found | None, bundle: Bundle, interval: bool) -> Scored:
    """Score checked records.

    Args:
        records: what was asked.
        found: encounters of the patients that the records name; None when they name none.
        bundle: the model.
        interval: whether to tell the ranges too.
    """
    inputs, history = records, [NONE] * len(records)
    if found is not None:
        recalled = [recall(record, found) for record in records]
        inputs, history = [record for record, _ in recalled], [state for _, state in recalled]
    probabilities = _predict(bundle, inputs)
    return Scored(
        records,
        probabilities,
        [known_fields(record) for record in inputs],
        reliability(bundle.completeness, inputs),
        history,
        bundle.completeness.ranges(inputs, probabilities).astype(np.float32) if interval else None,
    )


def reliability(completeness: Completeness, inputs: Sequence[Record]) -> list[float]:
    """Expected AUROC of the answer to each record as the model takes it, to three digits."""
    expected: list[float] = completeness.expected_auroc(inputs).round(3).tolist()
    return expected


def _predict(bundle: Bundle, inputs: Sequence[Record]) -> NDArray[np.float32]:
    if len(inputs) <= CHUNK:
        return bundle.predict(inputs)
    chunks = [bundle.predict(inputs[start : start + CHUNK]) for start in range(0, len(inputs), CHUNK)]
    return np.concatenate(chunks)
