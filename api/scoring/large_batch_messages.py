"""What the service and the process for large batches say to each other."""

from dataclasses import dataclass
from typing import Final

from api.storage.prediction_table import Entry
from ml.core.reliability import ReliabilityCurve

NICENESS: Final = 10
"""Of all that works on large batches: small requests come first where cores are short."""

LOGGED_TOGETHER: Final = 500
"""Records in a piece of the log, which is a few hundred kilobytes then."""


@dataclass(frozen=True, slots=True)
class Task:
    """A large batch, apart from its body.

    Attributes:
        max_records: most that are accepted.
        interval: whether to tell the ranges too.
        completeness: of the model that answers.
        model: how the answer names that model, as JSON.
        request_id: of the request.
        entry: for the prediction log, without records and answers; None when it is off.
    """

    max_records: int
    interval: bool
    completeness: ReliabilityCurve
    model: bytes
    request_id: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Done:
    """What there is to say of a large batch.

    Attributes:
        body: of the response.
        history: for each record a key of :data:`api.storage.patient_history.STATES`.
        known_fields: of each record.
        pieces: for the prediction log, how many follow: rows of :data:`LOGGED_TOGETHER` records each.
    """

    body: bytes
    history: list[str]
    known_fields: list[int]
    pieces: int
