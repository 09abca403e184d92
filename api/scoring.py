"""The use case, free of HTTP: the bytes of a body in, checked records and their probabilities out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.parsing import read_large, read_small
from ml.bundle import Bundle, Record

INLINE_BYTES: Final = 16 * 1024
INLINE_RECORDS: Final = 64
"""A body up to this size is scored in the event loop, within a millisecond or a few; a larger one in a thread."""

CHUNK: Final = 1_000
"""Records given to the graph at a time, which bounds the memory of a large batch."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Records as they were understood, and their probabilities in the same order."""

    records: Sequence[Record]
    probabilities: NDArray[np.float32]


def is_small(body: bytes) -> bool:
    """Whether a body is scored within the event loop; an upper bound of its records is the braces it opens."""
    return len(body) <= INLINE_BYTES and body.count(b"{") <= INLINE_RECORDS + 1


def score(body: bytes, bundle: Bundle, max_records: int) -> Scored:
    """Score a body with one bundle.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it does not hold 1 to `max_records` valid records.
    """
    if is_small(body):
        records = read_small(body, max_records)
        return Scored(records, bundle.predict(records))
    records = read_large(body, max_records)
    chunks = [bundle.predict(records[start : start + CHUNK]) for start in range(0, len(records), CHUNK)]
    return Scored(records, np.concatenate(chunks))
