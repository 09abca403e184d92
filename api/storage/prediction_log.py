"""The prediction log: a bounded queue in memory, which a background thread writes to PostgreSQL.

Logging never delays or fails a prediction: a full queue drops predictions and counts them, and the thread retries a
failed batch with exponential backoff. Once an hour the thread deletes old rows. With ``PREDICTION_LOG=false`` the
thread writes nothing; it still deletes old rows, and the fields of records are counted.

The event loop formats the rows of small requests, several requests at a time. A thread that formatted them would hold
the interpreter lock for longer than a request takes; formatting them one by one takes twice as long.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic, perf_counter
from typing import Final

import psycopg2

from api.settings import ApiSettings
from api.storage.postgres import connection_options, first_line
from api.storage.prediction_table import LogEntry, LogRows, PredictionTable
from ml.core.pseudonyms import Pseudonyms

logger = logging.getLogger(__name__)

STATEMENT_SECONDS: Final = 10.0
FLUSH_SECONDS: Final = 0.5
BATCH_RECORDS: Final = 5_000
FORMAT_ENTRIES: Final = 32
"""Small entries formatted at a time; takes a fifth of a millisecond."""
SMALL_ENTRY: Final = 4
"""The thread formats entries with more records."""
BACKOFF_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
PRUNE_INTERVAL_SECONDS: Final = 3600.0
STOP_SECONDS: Final = 5.0
"""Time limit for writing the queue when the service stops."""


class PredictionLog:
    """Queues entries from any thread and writes them in the background, if ``is_on``.

    ``capacity`` limits the queued records. ``on_entry`` is called with each entry that this process formats, or would
    format.
    """

    def __init__(
        self,
        table: PredictionTable,
        capacity: int,
        capacity_bytes: int,
        on_entry: Callable[[LogEntry], None],
        is_on: bool = True,
    ) -> None:
        self.is_on = is_on
        self.written = 0
        self.dropped = 0
        self.queued = 0  # records, those of the batch being written included
        self.queued_bytes = 0
        self.batches = 0  # written
        self.seconds = 0.0  # spent in writing them
        self._table = table
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._on_entry = on_entry
        self._prune_at = monotonic()
        self._unformatted: list[LogEntry] = []
        self._queue: deque[LogRows | LogEntry] = deque()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    @classmethod
    def from_settings(
        cls, settings: ApiSettings, pseudonyms: Pseudonyms, on_entry: Callable[[LogEntry], None]
    ) -> "PredictionLog":
        """The log in the ``diabetes`` database."""
        options = connection_options(settings, "prediction-log", STATEMENT_SECONDS)
        return cls(
            PredictionTable(options, pseudonyms),
            settings.prediction_log_queue,
            settings.prediction_log_queue_bytes,
            on_entry,
            settings.prediction_log,
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write the queue, for :data:`STOP_SECONDS` at most; the rest counts as dropped."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        with self._lock:
            lost, self.queued, self.queued_bytes = self.queued, 0, 0
            self.dropped += lost if self.is_on else 0
            self._queue.clear()
            self._unformatted.clear()
        if lost and self.is_on:
            logger.warning("%d predictions were dropped: PostgreSQL did not store them before the stop", lost)

    def put(self, entry: LogEntry) -> None:
        """Queue an entry; drops and counts it when the queue is full or the service is stopping."""
        size, memory = entry.size, entry.memory
        with self._lock:
            is_full = self.queued + size > self._capacity or self.queued_bytes + memory > self._capacity_bytes
            if is_full or self._stopping.is_set():
                self.dropped += size if self.is_on else 0
                return
            self.queued += size
            self.queued_bytes += memory
            if entry.rows or size > SMALL_ENTRY:
                self._queue.append(entry)
                return
            self._unformatted.append(entry)
            if len(self._unformatted) < FORMAT_ENTRIES:
                return
        self._format_small_entries()

    def _run(self) -> None:
        backoff = BACKOFF_SECONDS
        batch: list[LogRows] = []
        is_retry = False
        while batch or self._queue or self._unformatted or not self._stopping.is_set():
            self._prune_if_due()
            if not batch and self.queued < BATCH_RECORDS:
                self._stopping.wait(FLUSH_SECONDS)  # a transaction costs as much as hundreds of rows
            batch = batch or self._take_batch()
            if not batch:
                continue
            started = perf_counter()
            try:
                self._table.write(batch, is_retry=is_retry)
            except psycopg2.DataError as error:
                # PostgreSQL rejects the batch itself: retries would block the queue for ever.
                logger.error("%d predictions cannot be logged: %s", _size(batch), first_line(error))
                self._count(batch, written=False)
            except (psycopg2.Error, OSError) as error:
                self._table.disconnect()
                if not is_retry:
                    logger.warning("the prediction log is retried: %s", first_line(error))
                is_retry = True
                if self._stopping.wait(backoff):
                    break
                backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)
                continue
            else:
                self.batches += 1
                self.seconds += perf_counter() - started
                self._count(batch, written=True)
            batch, is_retry, backoff = [], False, BACKOFF_SECONDS
        self._table.disconnect()

    def _prune_if_due(self) -> None:
        """Delete some old rows; if there are more, the next ones after the next batch."""
        if self._stopping.is_set() or monotonic() < self._prune_at:
            return
        try:
            if self._table.prune():
                return
        except (psycopg2.Error, OSError) as error:
            self._table.disconnect()
            logger.warning("old predictions were not deleted: %s", first_line(error))
        self._prune_at = monotonic() + PRUNE_INTERVAL_SECONDS

    def _format_small_entries(self) -> None:
        with self._lock:
            entries, self._unformatted = self._unformatted, []
        if entries:
            self._queue.extend(self._format(entries))

    def _format(self, entries: Sequence[LogEntry]) -> list[LogRows]:
        """One element; none if the entries cannot be formatted, which counts them as dropped."""
        try:
            for entry in entries:
                self._on_entry(entry)
            if self.is_on:
                return [self._table.format(entries)]
            self._count(entries, written=False)
            return []
        except Exception:  # any error: it must neither block the queue nor end the thread
            logger.exception("%d predictions cannot be logged", _size(entries))
            self._count(entries, written=False)
            return []

    def _take_batch(self) -> list[LogRows]:
        self._format_small_entries()
        batch: list[LogRows] = []
        size = 0
        while self._queue and size < BATCH_RECORDS:
            part = self._queue.popleft()
            size += part.size
            batch += [part] if isinstance(part, LogRows) else self._format([part])
        return batch

    def _count(self, batch: Sequence[LogRows | LogEntry], *, written: bool) -> None:
        size = _size(batch)
        with self._lock:
            self.queued -= size
            self.queued_bytes -= sum(part.memory for part in batch)
            if written:
                self.written += size
            elif self.is_on:
                self.dropped += size


def _size(batch: Sequence[LogRows | LogEntry]) -> int:
    return sum(part.size for part in batch)
