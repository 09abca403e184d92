"""The tables behind the prediction log: batches go in by COPY, each exactly once, and what is too old goes out.

But for :meth:`PredictionTable.rows_of` used by one thread. All other methods raise psycopg2.Error or OSError when
PostgreSQL is away or refuses.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson
import psycopg2
from numpy.typing import NDArray

from api.settings import ApiSettings
from ml.core.pseudonyms import Pseudonyms
from ml.schema import ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID, Record

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
_ENTRY_BYTES, _RECORD_BYTES, _FIELD_BYTES = 800, 100, 32
"""Memory of a waiting entry, of each of its records, and of each known field in them; measured, rounded up."""

_TURN: Final = 64
"""Rows made at a time. Other threads, the event loop first of all, get a turn at the interpreter in between."""


@dataclass(slots=True)  # not frozen: each request makes one, which would take three times as long
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

    @property
    def size(self) -> int:
        """How many predictions they are."""
        return len(self.known_fields)

    @property
    def weight(self) -> int:
        """Memory that it takes while it waits, about; its rows take no more than the records."""
        return _ENTRY_BYTES + _RECORD_BYTES * len(self.known_fields) + _FIELD_BYTES * sum(self.known_fields)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one or more entries, ready to be written.

    Attributes:
        text: in COPY's format.
        size: how many they are.
        weight: of the entries.
        first: when the first of them was predicted, its request and its position.
    """

    text: bytes
    size: int
    weight: int
    first: tuple[datetime, str, int]


class PredictionTable:
    """Writes over one connection, which is opened when it is needed."""

    def __init__(self, connection: Mapping[str, Any], pseudonyms: Pseudonyms) -> None:
        self._options = connection
        self._pseudonyms = pseudonyms
        self._connection: Any = None
        self._writer = secrets.randbits(62)

    def rows_of(self, entries: Sequence[Entry]) -> Rows:
        """Rows of some entries; in any thread."""
        first = entries[0]
        return Rows(
            b"".join([entry.rows or rows_of(entry, self._pseudonyms) for entry in entries]),
            sum([entry.size for entry in entries]),
            sum([entry.weight for entry in entries]),
            (first.predicted_at, first.request_id, first.first),
        )

    def write(self, batch: Sequence[Rows], *, again: bool) -> None:
        """Add a batch, all of it or nothing.

        Args:
            batch: at least one element.
            again: whether this batch was tried before. The reply to its COMMIT may have been lost, so it is looked
                for first; the lock is free only when the transaction of the first attempt has come to its end.
        """
        with self._transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (self._writer,))
            if again:
                cursor.execute(_IS_WRITTEN, batch[0].first)
                (is_written,) = cursor.fetchone()
                if is_written:
                    return
            cursor.copy_expert(_COPY, _Texts(batch))

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


class _Texts:
    """The texts of a batch as a file that COPY reads, each as it is: joined, they would be copied twice."""

    def __init__(self, batch: Sequence[Rows]) -> None:
        self._texts = iter([rows.text for rows in batch])

    def read(self, _size: int) -> bytes:
        """The next of them; nothing at the end."""
        return next(self._texts, b"")


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
    """An entry in COPY's text format, in the order of COLUMNS. Only JSON can hold what needs escaping there."""
    moment = orjson.dumps(entry.predicted_at)[1:-1].decode()  # in a fifth of isoformat's time
    request = f"{moment}\t{entry.model_version}\t{entry.data_source}\t{entry.client}\t{'t' if entry.load_test else 'f'}"
    rows = []
    position = entry.first
    for record, known, chance in zip(entry.records, entry.known_fields, entry.probabilities.tolist(), strict=True):
        whose, features = f"{_NULL}\t{_NULL}", record
        if len(record) != known:  # it has identifiers, or fields that are null
            patient, encounter = pseudonyms.patient(_number(record, PATIENT_ID)), _number(record, ENCOUNTER_ID)
            whose = f"{patient or _NULL}\t{pseudonyms.encounter(encounter) or _NULL}"
            features = {name: value for name in FEATURE_NAMES if (value := record.get(name)) is not None}
        row = f"{entry.request_id}\t{position}\t{request}\t{whose}\t{known}\t{chance!r}\t"
        rows.append(row.encode() + orjson.dumps(features).replace(b"\\", b"\\\\") + b"\n")
        position += 1
        if position % _TURN == 0:
            time.sleep(0)
    return b"".join(rows)


def _number(record: Record, name: str) -> int | None:
    value = record.get(name)
    return None if value is None else int(value)
