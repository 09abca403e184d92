"""The prediction log: a bounded queue in memory, written to PostgreSQL by a thread of its own.

Nothing here can slow or fail a prediction: a full queue drops and counts, a database that is away is tried again with
growing pauses. Once an hour the same thread removes what is too old.

Rows of small requests are made in the event loop, those of some requests at a time: a thread that made them all would
let requests wait for the interpreter, for longer than their own answers take; one by one, in between the code of
requests, they would take twice as long.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic, perf_counter
from typing import Final

import psycopg2

from api.settings import ApiSettings
from api.storage.prediction_table import Entry, PredictionTable, Rows, connection_options
from api.telemetry.field_counts import FieldCounts
from ml.core.pseudonyms import Pseudonyms

logger = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 0.5
BATCH_RECORDS: Final = 5_000
TOGETHER: Final = 32
"""Entries whose rows are made at a time, within a fifth of a millisecond."""
FEW_RECORDS: Final = 4
"""An entry with more has its rows made by the thread that writes them."""
PAUSE_SECONDS: Final = 0.5
PAUSE_SECONDS_MOST: Final = 30.0
PRUNE_SECONDS: Final = 3600.0
STOP_SECONDS: Final = 5.0
"""How long the end of the service waits for the queue to be written."""


class PredictionLog:
    """Takes entries from any thread and writes them in the background.

    Args:
        table: where to.
        capacity: records that may wait.
        capacity_bytes: memory that they may take, about.
        retention_days: age at which predictions are deleted; 0 is never.
    """

    def __init__(self, table: PredictionTable, capacity: int, capacity_bytes: int, retention_days: int) -> None:
        self.written = 0
        self.dropped = 0
        self.waiting = 0  # records in the queue or in the batch being written
        self.waiting_bytes = 0
        self.batches = 0
        self.seconds = 0.0  # in writing these batches
        self.fields = FieldCounts()
        self._table = table
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._retention_days = retention_days
        self._prune_at = monotonic()
        self._fresh: list[Entry] = []  # small ones, until they are some
        self._queue: deque[Rows | Entry] = deque()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    @classmethod
    def of(cls, settings: ApiSettings, pseudonyms: Pseudonyms) -> "PredictionLog":
        """The log into the ``diabetes`` database."""
        return cls(
            PredictionTable(connection_options(settings), pseudonyms),
            settings.prediction_log_queue,
            settings.prediction_log_queue_bytes,
            settings.prediction_retention_days,
        )

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting, for a short while at most; what is left is counted as dropped."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        with self._lock:
            lost, self.waiting, self.waiting_bytes = self.waiting, 0, 0
            self.dropped += lost
            self._queue.clear()
            self._fresh.clear()
        if lost:
            logger.warning("%d predictions were not logged: PostgreSQL did not take them in time", lost)

    def put(self, entry: Entry) -> None:
        """Queue an entry, or drop and count it when the queue is full or the service is ending."""
        size, weight = entry.size, entry.weight
        with self._lock:
            full = self.waiting + size > self._capacity or self.waiting_bytes + weight > self._capacity_bytes
            if full or self._stopping.is_set():
                self.dropped += size
                return
            self.waiting += size
            self.waiting_bytes += weight
            if entry.rows or size > FEW_RECORDS:
                self._queue.append(entry)
                return
            self._fresh.append(entry)
            if len(self._fresh) < TOGETHER:
                return
        self._queue_fresh()

    def _run(self) -> None:
        pause = PAUSE_SECONDS
        batch: list[Rows] = []
        again = False
        while batch or self._queue or self._fresh or not self._stopping.is_set():
            self._prune_when_due()
            if not batch and self.waiting < BATCH_RECORDS:
                self._stopping.wait(FLUSH_SECONDS)  # for company: a transaction costs as much as hundreds of rows
            batch = batch or self._take()
            if not batch:
                continue
            begun = perf_counter()
            try:
                self._table.write(batch, again=again)
            except psycopg2.DataError as error:
                # PostgreSQL understood the batch and does not want it: it would block the queue for ever.
                logger.error("%d predictions cannot be logged: %s", _size(batch), _first_line(error))
                self._settle(batch, written=False)
            except (psycopg2.Error, OSError) as error:
                self._table.disconnect()
                if not again:
                    logger.warning("predictions wait to be logged: %s", _first_line(error))
                again = True
                if self._stopping.wait(pause):
                    break
                pause = min(pause * 2, PAUSE_SECONDS_MOST)
                continue
            else:
                self.batches += 1
                self.seconds += perf_counter() - begun
                self._settle(batch, written=True)
            batch, again, pause = [], False, PAUSE_SECONDS
        self._table.disconnect()

    def _prune_when_due(self) -> None:
        """Delete some old rows, if it is time; the rest of them after the next batch."""
        if not self._retention_days or self._stopping.is_set() or monotonic() < self._prune_at:
            return
        try:
            if self._table.prune(self._retention_days):
                return
        except (psycopg2.Error, OSError) as error:
            self._table.disconnect()
            logger.warning("old predictions are not deleted: %s", _first_line(error))
        self._prune_at = monotonic() + PRUNE_SECONDS

    def _queue_fresh(self) -> None:
        with self._lock:
            fresh, self._fresh = self._fresh, []
        if fresh:
            self._queue.extend(self._rows_of(fresh))

    def _rows_of(self, entries: Sequence[Entry]) -> list[Rows]:
        """One element, or none where no rows can be made of the entries; they are counted as dropped then."""
        try:
            for entry in entries:
                self.fields.count(entry)
            return [self._table.rows_of(entries)]
        except Exception:  # whatever it is: the queue must not be blocked, and the thread not end, for ever
            logger.exception("%d predictions cannot be logged", _size(entries))
            self._settle(entries, written=False)
            return []

    def _take(self) -> list[Rows]:
        self._queue_fresh()
        batch: list[Rows] = []
        size = 0
        while self._queue and size < BATCH_RECORDS:
            waiting = self._queue.popleft()
            size += waiting.size
            batch += [waiting] if isinstance(waiting, Rows) else self._rows_of([waiting])
        return batch

    def _settle(self, batch: Sequence[Rows | Entry], *, written: bool) -> None:
        size = _size(batch)
        with self._lock:
            self.waiting -= size
            self.waiting_bytes -= sum(part.weight for part in batch)
            if written:
                self.written += size
            else:
                self.dropped += size


def _size(batch: Sequence[Rows | Entry]) -> int:
    return sum(part.size for part in batch)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
