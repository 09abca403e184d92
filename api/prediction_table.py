"""The tables behind the prediction log: batches go in by COPY, each exactly once, and what is too old goes out.

Used by one thread. All methods raise psycopg2.Error or OSError when PostgreSQL is away or refuses.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final

import numpy as np
import orjson
import psycopg2
from numpy.typing import NDArray

from api.settings import ApiSettings
from ml.bundle import Record
from ml.pseudonyms import Pseudonyms
from ml.schema import ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID

COLUMNS: Final = (
    "request_id", "position", "predicted_at", "model_version", "data_source", "client", "load_test", "patient",
    "encounter", "known_fields", "probability", "record",
)  # fmt: skip
PRUNED_AT_ONCE: Final = 5_000
"""Old rows deleted in one statement: the batches that wait meanwhile must not wait for long."""

_COPY: Final = f"COPY predictions ({', '.join(COLUMNS)}) FROM STDIN"
_IS_WRITTEN: Final = (
    "SELECT EXISTS (SELECT FROM predictions WHERE predicted_at = %s AND request_id = %s AND position = %s)"
)
_PRUNE: Final = {
    table: f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} "  # noqa: S608  names of our own
    f"WHERE {moment} < now() - make_interval(days => %s) LIMIT {PRUNED_AT_ONCE})"
    for table, moment in (("predictions", "predicted_at"), ("outcomes", "received_at"))
}
_NULL: Final = "\\N"
_BLOCK: Final = 64 * 1024
_TURN: Final = 64
"""Rows made at a time. Other threads, the event loop first of all, get a turn at the interpreter in between."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The predictions of one request, or some of them: those from its record number `first`, counted from 0."""

    request_id: str
    predicted_at: datetime
    model_version: str
    data_source: str
    load_test: bool
    records: Sequence[Record]
    known_fields: Sequence[int]
    probabilities: NDArray[np.float32]
    client: str
    first: int = 0
    rows: bytes = b""
    """What :func:`rows_of` makes of the entry, where another process has done so; `records` is empty then."""


class PredictionTable:
    """Writes over one connection, which is opened when it is needed."""

    def __init__(self, connection: Mapping[str, Any], pseudonyms: Pseudonyms) -> None:
        self._options = connection
        self._pseudonyms = pseudonyms
        self._connection: Any = None
        self._writer = secrets.randbits(62)

    def write(self, batch: Sequence[Entry], *, again: bool) -> None:
        """Add a batch, all of it or nothing.

        Args:
            batch: at least one entry.
            again: whether this batch was tried before. The reply to its COMMIT may have been lost, so it is looked
                for first; the lock is free only when the transaction of the first attempt has come to its end.
        """
        with self._transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (self._writer,))
            if again:
                first = batch[0]
                cursor.execute(_IS_WRITTEN, (first.predicted_at, first.request_id, first.first))
                (is_written,) = cursor.fetchone()
                if is_written:
                    return
            rows = BytesIO(b"".join(self._rows_of(batch)))
            cursor.copy_expert(_COPY, rows, _BLOCK)

    def _rows_of(self, batch: Sequence[Entry]) -> Iterator[bytes]:
        for number, entry in enumerate(batch, 1):
            if number % _TURN == 0:  # most entries have a single row
                time.sleep(0)
            yield entry.rows or rows_of(entry, self._pseudonyms)

    def prune(self, days: int) -> bool:
        """Delete some of the rows older than so many days; returns whether there may be more."""
        with self._transaction() as cursor:
            deleted: list[int] = []
            for statement in _PRUNE.values():
                cursor.execute(statement, (days,))
                deleted.append(cursor.rowcount)
        return max(deleted) == PRUNED_AT_ONCE

    def disconnect(self) -> None:
        """Close the connection; the next use opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        if self._connection is None:
            self._connection = psycopg2.connect(**self._options)
        with self._connection, self._connection.cursor() as cursor:
            yield cursor


def connection_options(settings: ApiSettings) -> dict[str, Any]:
    """How to connect, with time limits, so that a database that hangs is noticed like one that is away."""
    return {
        **settings.database_login,
        "connect_timeout": 5,
        "options": "-c statement_timeout=10000",
        "tcp_user_timeout": 10_000,
        "application_name": "prediction-log",
    }


def rows_of(entry: Entry, pseudonyms: Pseudonyms) -> bytes:
    """An entry as it is written."""
    return b"".join(_rows(entry, pseudonyms))


def _rows(entry: Entry, pseudonyms: Pseudonyms) -> Iterator[bytes]:
    """Rows in COPY's text format, in the order of COLUMNS. Only JSON can hold what needs escaping there."""
    moment = orjson.dumps(entry.predicted_at)[1:-1].decode()  # in a fifth of isoformat's time
    request = f"{moment}\t{entry.model_version}\t{entry.data_source}\t{entry.client}\t{'t' if entry.load_test else 'f'}"
    answers = zip(entry.records, entry.known_fields, entry.probabilities.tolist(), strict=True)
    for position, (record, known_fields, probability) in enumerate(answers, entry.first):
        if (position + 1) % _TURN == 0:
            time.sleep(0)
        if len(record) != known_fields:  # it has identifiers, or fields that are null
            patient = pseudonyms.patient(_number(record, PATIENT_ID)) or _NULL
            encounter = pseudonyms.encounter(_number(record, ENCOUNTER_ID)) or _NULL
            features: Record = {name: value for name in FEATURE_NAMES if (value := record.get(name)) is not None}
        else:
            patient = encounter = _NULL
            features = record
        row = f"{entry.request_id}\t{position}\t{request}\t{patient}\t{encounter}\t{known_fields}\t{probability!r}\t"
        yield b"%b%b\n" % (row.encode(), orjson.dumps(features).replace(b"\\", b"\\\\"))


def _number(record: Record, name: str) -> int | None:
    value = record.get(name)
    return None if value is None else int(value)
