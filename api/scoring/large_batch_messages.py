"""Messages between the service and its worker process for large batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.storage.prediction_table import LogEntry
from ml.core.reliability import ReliabilityCurve

NICENESS: Final = 10
"""Of all work on large batches: small requests come first if cores are short."""

LOG_RECORDS: Final = 500
"""Records in one message for the prediction log, which then has a few hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A large batch, without its body.

    Attributes:
        max_records: maximum number of records.
        interval: whether ranges are requested.
        reliability_curve: of the model.
        model: the response's description of the model, as JSON.
        request_id: of the HTTP request.
        entry: for the prediction log, without records and predictions; None if the log is off.
    """

    max_records: int
    interval: bool
    reliability_curve: ReliabilityCurve
    model: bytes
    request_id: str
    entry: LogEntry | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a large batch.

    Attributes:
        body: of the response.
        probabilities, known_fields: of each record.
        history: state of each record's history.
        log_messages: number of messages for the prediction log that follow, with :data:`LOG_RECORDS` rows each.
    """

    body: bytes
    probabilities: NDArray[np.float32]
    history: Sequence[str]
    known_fields: list[int]
    log_messages: int
