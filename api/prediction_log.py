"""The prediction log: a bounded queue in memory, written to PostgreSQL by COPY from a thread of its own.

Nothing here can slow or fail a prediction: a full queue drops and counts, a database that is away is tried
again with growing pauses. A batch whose COMMIT was lost on the way may be written twice.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
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

logger = logging.getLogger(__name__)

COLUMNS: Final = (
    "request_id", "position", "predicted_at", "model_version", "data_source", "record", "known_fields",
    "probability", "load_test",
)  # fmt: skip
_COPY: Final = f"COPY predictions ({', '.join(COLUMNS)}) FROM STDIN"
FLUSH_SECONDS: Final = 0.5
BATCH_RECORDS: Final = 5_000
PAUSE_SECONDS: Final = 0.5
PAUSE_SECONDS_MOST: Final = 30.0
STOP_SECONDS: Final = 5.0
"""How long the end of the service waits for the queue to be written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The predictions of one request."""

    request_id: str
    predicted_at: datetime
    model_version: str
    data_source: str
    load_test: bool
    records: Sequence[Record]
    known_fields: Sequence[int]
    probabilities: NDArray[np.float32]


class PredictionLog:
    """Takes entries from any thread and writes them in the background."""

    def __init__(self, connection: Mapping[str, Any], capacity: int) -> None:
        self.written = 0
        self.dropped = 0
        self.waiting = 0  # records in the queue or in the batch being written
        self._connection_options = connection
        self._capacity = capacity
        self._queue: deque[Entry] = deque()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._connection: Any = None

    @classmethod
    def of(cls, settings: ApiSettings) -> "PredictionLog":
        """The log into the ``diabetes`` database."""
        return cls(connection_options(settings), settings.prediction_log_queue)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting, for a short while at most; what is left is counted as dropped."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        with self._lock:
            lost, self.waiting = self.waiting, 0
            self.dropped += lost
            self._queue.clear()
        if lost:
            logger.warning("%d predictions were not logged: PostgreSQL did not take them in time", lost)

    def put(self, entry: Entry) -> None:
        """Queue an entry, or drop and count it when the queue is full or the service is ending."""
        size = len(entry.records)
        with self._lock:
            if self.waiting + size > self._capacity or self._stopping.is_set():
                self.dropped += size
                return
            self.waiting += size
            self._queue.append(entry)

    def _run(self) -> None:
        pause = PAUSE_SECONDS
        batch: list[Entry] = []
        while batch or self._queue or not self._stopping.is_set():
            batch = batch or self._take()
            if not batch:
                self._stopping.wait(FLUSH_SECONDS)
                continue
            try:
                self._write(batch)
            except psycopg2.DataError as error:
                # PostgreSQL understood the batch and does not want it: it would block the queue for ever.
                logger.error("%d predictions cannot be logged: %s", _size(batch), _first_line(error))
                self._settle(batch, written=False)
            except (psycopg2.Error, OSError) as error:
                self._disconnect()
                if pause == PAUSE_SECONDS:
                    logger.warning("predictions wait to be logged: %s", _first_line(error))
                if self._stopping.wait(pause):
                    break
                pause = min(pause * 2, PAUSE_SECONDS_MOST)
                continue
            except Exception:
                logger.exception("%d predictions cannot be logged", _size(batch))
                self._settle(batch, written=False)
            else:
                self._settle(batch, written=True)
            batch, pause = [], PAUSE_SECONDS
        self._disconnect()

    def _take(self) -> list[Entry]:
        batch: list[Entry] = []
        size = 0
        while self._queue and size < BATCH_RECORDS:
            entry = self._queue.popleft()
            batch.append(entry)
            size += len(entry.records)
        return batch

    def _settle(self, batch: list[Entry], *, written: bool) -> None:
        size = _size(batch)
        with self._lock:
            self.waiting -= size
            if written:
                self.written += size
            else:
                self.dropped += size

    def _write(self, batch: list[Entry]) -> None:
        if self._connection is None:
            self._connection = psycopg2.connect(**self._connection_options)
        with self._connection, self._connection.cursor() as cursor:
            cursor.copy_expert(_COPY, BytesIO(b"".join(line for entry in batch for line in _lines(entry))))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connection_options(settings: ApiSettings) -> dict[str, Any]:
    """How to connect, with time limits, so that a database that hangs is noticed like one that is away."""
    return {
        **settings.database_login,
        "connect_timeout": 5,
        "options": "-c statement_timeout=10000",
        "tcp_user_timeout": 10_000,
        "application_name": "prediction-log",
    }


def _lines(entry: Entry) -> Iterator[bytes]:
    """Rows in COPY's text format, in the order of COLUMNS. Only JSON can hold what needs escaping there."""
    moment = entry.predicted_at.isoformat()
    before = f"{entry.request_id}\t", f"\t{moment}\t{entry.model_version}\t{entry.data_source}\t"
    load_test = "t" if entry.load_test else "f"
    answers = zip(entry.records, entry.known_fields, entry.probabilities.tolist(), strict=True)
    for position, (record, known_fields, probability) in enumerate(answers):
        known = {name: value for name, value in record.items() if value is not None}
        text = orjson.dumps(known).replace(b"\\", b"\\\\")
        yield b"%b%d%b%b\t%d\t%r\t%b\n" % (
            before[0].encode(),
            position,
            before[1].encode(),
            text,
            known_fields,
            probability,
            load_test.encode(),
        )


def _size(batch: list[Entry]) -> int:
    return sum(len(entry.records) for entry in batch)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
