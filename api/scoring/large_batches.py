"""Large batches: a worker process parses, validates, encodes and serialises them; the service runs the graph.

The worker's part is Python code that holds the interpreter lock: in a thread of the service, it would delay every small
request. The graph runs outside the lock, with the model that the request started with. The worker has no model: it
needs little memory, and cannot have another version.
"""

import logging
import os
import subprocess
import sys
import threading
from asyncio import get_running_loop
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.errors import ApiError
from api.settings import ApiSettings
from api.storage.prediction_table import LogEntry
from ml.core.bundle import Bundle
from ml.core.policies.policy import Policy
from ml.core.reliability import ReliabilityCurve

logger = logging.getLogger(__name__)

NICENESS: Final = 10
"""Of all work on large batches: small requests come first if cores are short."""

LOG_RECORDS: Final = 500
"""Records in one message for the prediction log, which then has a few hundred kilobytes."""

TIMEOUT_SECONDS: Final = 60
"""A worker that sends nothing for so long is replaced."""

_ROOT: Final = Path(__file__).parents[2]
_WORKER_ENDED: Final = (EOFError, OSError)
"""Errors of a pipe to a process that has ended."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A large batch, without its body.

    ``model`` is the response's description of the model, as JSON. ``entry`` is the entry of the prediction log, without
    records and predictions; None if the log is off.
    """

    max_records: int
    interval: bool
    reliability_curve: ReliabilityCurve
    model: bytes
    request_id: str
    entry: LogEntry | None
    policy: Policy | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a large batch; that many messages for the prediction log follow, with `LOG_RECORDS` rows each."""

    body: bytes
    probabilities: NDArray[np.float32]
    history: Sequence[str]
    known_fields: list[int]
    flagged: list[bool | None]
    log_messages: int


class LargeBatches:
    """Scores one large batch at a time. The worker starts with the first batch, and again after it has ended."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="large-batch", initializer=_lower_priority)
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._unlogged: Iterator[None] = iter(())  # of the last batch; reading it logs its entries

    async def score(
        self, request: BatchRequest, body: Sequence[bytes], bundle: Bundle, log: Callable[[LogEntry], None]
    ) -> BatchResult:
        """Score a body, given in pieces, without blocking the event loop.

        `log` receives the formatted entries for the prediction log, in another thread and after the response.

        Raises:
            ApiError: the body is invalid.
        """
        return await get_running_loop().run_in_executor(self._pool, self._score_with_retry, request, body, bundle, log)

    def stop(self) -> None:
        """End the worker, and with it the current batch."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._discard_worker()

    def _score_with_retry(
        self, request: BatchRequest, body: Sequence[bytes], bundle: Bundle, log: Callable[[LogEntry], None]
    ) -> BatchResult:
        self._log_unlogged()
        try:
            result, entries = self._score(request, body, bundle)
        except _WORKER_ENDED as error:
            logger.warning("the worker for large batches ended (%s); restarting it", type(error).__name__)
            result, entries = self._score(request, body, bundle)
        self._unlogged = map(log, entries)
        with suppress(RuntimeError):  # the pool was shut down
            self._pool.submit(self._log_unlogged)  # the next batch may run before it
        return result

    def _log_unlogged(self) -> None:
        """Receive and log the entries of the last batch; the pipe is then free for the next one."""
        try:
            for _ in self._unlogged:
                pass
        except _WORKER_ENDED:
            logger.warning("the worker for large batches ended; some of its predictions are not logged")
            self._discard_worker()

    def _score(
        self, request: BatchRequest, body: Sequence[bytes], bundle: Bundle
    ) -> tuple[BatchResult, Iterator[LogEntry]]:
        with self._lock:
            if self._worker is None:
                self._worker = _Worker(self._settings)
            worker = self._worker
        try:
            return worker.score(request, body, bundle)
        except ApiError:
            raise
        except BaseException:
            self._discard_worker()  # the two ends of the pipe may be in different states
            raise

    def _discard_worker(self) -> None:
        with self._lock:
            if self._worker is not None:
                self._worker.end()
                self._worker = None


class _Worker:
    def __init__(self, settings: ApiSettings) -> None:
        ours, theirs = socketpair()
        with theirs:
            command = (sys.executable, "-m", "api.scoring.large_batch_worker", str(theirs.fileno()))
            self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        self._pipe: Connection[Any, Any] = Connection(ours.detach())
        self._pipe.send(settings)

    def score(
        self, request: BatchRequest, body: Sequence[bytes], bundle: Bundle
    ) -> tuple[BatchResult, Iterator[LogEntry]]:
        """The entries for the log are received while they are iterated, and have to be before the next batch."""
        self._pipe.send(request)
        for piece in body:
            self._pipe.send_bytes(piece)
        self._pipe.send_bytes(b"")
        chunks = []
        while (inputs := self._receive()) is not None:
            chunks.append(bundle.run(inputs))
        self._pipe.send(np.concatenate(chunks))
        result: BatchResult = self._receive()
        return result, self._entries(request, result)

    def end(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _entries(self, request: BatchRequest, result: BatchResult) -> Iterator[LogEntry]:
        if request.entry is None:
            return
        for number in range(result.log_messages):
            first = number * LOG_RECORDS
            part = slice(first, first + LOG_RECORDS)
            known, probabilities = result.known_fields[part], result.probabilities[part]
            rows = self._pipe.recv_bytes()
            yield replace(request.entry, known_fields=known, probabilities=probabilities, first=first, rows=rows)

    def _receive(self) -> Any:
        if not self._pipe.poll(TIMEOUT_SECONDS):
            raise TimeoutError("the worker for large batches does not respond")
        message = self._pipe.recv()
        if isinstance(message, ApiError):
            raise message
        return message


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere niceness is of the whole process, not of the thread
        os.nice(NICENESS)
