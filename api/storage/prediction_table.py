"""The tables of the prediction log: appends batches by COPY, each exactly once, and deletes old rows.

Methods raise psycopg2.Error or OSError when PostgreSQL fails. Only :meth:`PredictionTable.format` may be called from
several threads. COPY needs a blocking connection; time limits of the server and of TCP bound its waits.
"""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from api.storage.postgres import connect
from ml.core.pseudonyms import Pseudonyms
from ml.core.release import NEWEST_REVISION, OF_THE_TABLES, Release, newer_tables
from ml.schema import ENCOUNTER_ID, PATIENT_ID, Record

logger = logging.getLogger(__name__)

COLUMNS: Final = (
    "request_id", "position", "predicted_at", "model_version", "data_source", "client", "load_test", "patient",
    "encounter", "known_fields", "probability", "record",
)  # fmt: skip
_COPY: Final = f"COPY predictions ({', '.join(COLUMNS)}) FROM STDIN"
_IS_WRITTEN: Final = (
    "SELECT EXISTS (SELECT FROM predictions WHERE predicted_at = %s AND request_id = %s AND position = %s)"
)
_PRUNE: Final = "SELECT delete_expired_rows()"
_NULL: Final = "\\N"
_ENTRY_BYTES, _RECORD_BYTES, _FIELD_BYTES = 800, 100, 32
"""Measured memory of a queued entry, of each of its records, and of each known field; rounded up."""

_RECORDS_PER_TURN: Final = 64
"""Records formatted before the thread yields the interpreter lock, above all to the event loop."""


@dataclass(slots=True)  # not frozen: every request creates one, and a frozen one takes three times as long
class LogEntry:
    """Predictions of one request: all of them, or a part that begins with record number `first`."""

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
    """The result of :func:`format_rows`, if another process has called it; `records` is then empty."""

    @property
    def size(self) -> int:
        """Number of predictions."""
        return len(self.known_fields)

    @property
    def memory(self) -> int:
        """Approximate bytes of memory while the entry is queued."""
        return _ENTRY_BYTES + _RECORD_BYTES * len(self.known_fields) + _FIELD_BYTES * sum(self.known_fields)


@dataclass(frozen=True, slots=True)
class LogRows:
    """Rows in COPY's text format, and time, request and position of the first prediction."""

    text: bytes
    size: int
    memory: int
    first: tuple[datetime, str, int]


class PredictionTable:
    """Writes over one connection, which is opened when needed."""

    def __init__(self, connection: Mapping[str, Any], pseudonyms: Pseudonyms) -> None:
        self._options = connection
        self._pseudonyms = pseudonyms
        self._connection: Any = None
        self._newer: Release | None = None
        self._writer = secrets.randbits(62)

    def format(self, entries: Sequence[LogEntry]) -> LogRows:
        """Format some entries as rows."""
        first = entries[0]
        return LogRows(
            b"".join([entry.rows or format_rows(entry, self._pseudonyms) for entry in entries]),
            sum([entry.size for entry in entries]),
            sum([entry.memory for entry in entries]),
            (first.predicted_at, first.request_id, first.first),
        )

    def write(self, batch: Sequence[LogRows], *, is_retry: bool) -> None:
        """Append a batch in one transaction.

        Args:
            batch: at least one element.
            is_retry: whether the batch was tried before. The reply to its COMMIT may have been lost, so a retry first
                looks for the batch; the advisory lock makes it wait for the end of the first transaction.
        """
        with self._transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (self._writer,))
            if is_retry:
                cursor.execute(_IS_WRITTEN, batch[0].first)
                (is_written,) = cursor.fetchone()
                if is_written:
                    return
            cursor.copy_expert(_COPY, _BatchReader(batch))

    def prune(self) -> bool:
        """Delete a number of expired rows; returns whether there may be more.

        :mod:`ml.migrations.privileges` has the function of the database, with number and age.
        """
        with self._transaction() as cursor:
            cursor.execute(_PRUNE)
            (has_more,) = cursor.fetchone()
        return bool(has_more)

    def disconnect(self) -> None:
        """Close the connection; the next call opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        is_new = self._connection is None
        if is_new:
            self._connection = connect(self._options)
        with self._connection, self._connection.cursor() as cursor:
            if is_new:
                self._report_newer_tables(cursor)
            yield cursor

    def _report_newer_tables(self, cursor: Any) -> None:
        """Log once that a newer release migrated the tables: it may have changed those that are written here."""
        cursor.execute(OF_THE_TABLES)
        found = Release.parse(cursor.fetchone()[0])
        if found.revision > NEWEST_REVISION and found != self._newer:
            self._newer = found
            sentence = newer_tables("diabetes", found.revision, found)
            logger.error("predictions are answered but may not be logged: %s", sentence)


class _BatchReader:
    """The texts of a batch as the file that COPY reads; joining them would copy them twice."""

    def __init__(self, batch: Sequence[LogRows]) -> None:
        self._texts = iter([rows.text for rows in batch])

    def read(self, _size: int) -> bytes:
        return next(self._texts, b"")


def format_rows(entry: LogEntry, pseudonyms: Pseudonyms) -> bytes:
    """Format an entry in COPY's text format, in the order of COLUMNS. Only JSON and identifiers need escaping."""
    moment = orjson.dumps(entry.predicted_at)[1:-1].decode()  # five times as fast as isoformat
    request = f"{moment}\t{entry.model_version}\t{entry.data_source}\t{entry.client}\t{'t' if entry.load_test else 'f'}"
    rows = []
    position = entry.first
    for record, known, probability in zip(entry.records, entry.known_fields, entry.probabilities.tolist(), strict=True):
        identifiers, features = f"{_NULL}\t{_NULL}", record
        if len(record) != known:  # the record has identifiers, or fields that are null
            patient, encounter = record.get(PATIENT_ID), record.get(ENCOUNTER_ID)
            identifiers = f"{_text(pseudonyms.patient(patient))}\t{_text(pseudonyms.encounter(encounter))}"
            features = {name: value for name, value in record.items() if value is not None}
            for name in (PATIENT_ID, ENCOUNTER_ID):
                features.pop(name, None)
        row = f"{entry.request_id}\t{position}\t{request}\t{identifiers}\t{known}\t{probability!r}\t"
        rows.append(row.encode() + orjson.dumps(features).replace(b"\\", b"\\\\") + b"\n")
        position += 1
        if position % _RECORDS_PER_TURN == 0:
            time.sleep(0)
    return b"".join(rows)


def _text(value: str | None) -> str:
    """A plain identifier may hold a backslash, but no tab or line end."""
    return _NULL if value is None else value.replace("\\", "\\\\")
