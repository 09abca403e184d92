"""Large batches: read, checked, put into the graph's form and answered by a process beside the service.

All of that is Python, which holds the interpreter's lock: done in a thread, it would keep every small request waiting.
The graph is still run here, outside the lock, by the model that the request found: the other process knows no model,
so it costs little memory and cannot be of another version.
"""

import logging
import os
import subprocess
import sys
import threading
from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from api.errors import ApiError
from api.scoring.large_batch_messages import LOGGED_TOGETHER, NICENESS, Done, Task
from api.settings import ApiSettings
from api.storage.prediction_table import Entry
from ml.core.bundle import Bundle

logger = logging.getLogger(__name__)

SILENCE_SECONDS: Final = 60
"""A helper that says nothing for so long is replaced."""

_ROOT: Final = Path(__file__).parents[2]
_GONE: Final = (EOFError, OSError)
"""What talking to a process that has died raises."""


@dataclass(frozen=True, slots=True)
class LargeAnswer:
    """The answer to a large batch.

    Attributes:
        body: of the response.
        probabilities: in the order of the records.
        history: for each record a key of :data:`api.storage.patient_history.STATES`.
    """

    body: bytes
    probabilities: NDArray[np.float32]
    history: list[str]


Keep = Callable[[Entry], None]
Scored = tuple[LargeAnswer, Iterator[Entry]]


class LargeBatches:
    """One large batch at a time. The helper is started with the first, and again whenever it has gone."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="large-batch", initializer=_stand_back)
        self._lock = threading.Lock()
        self._helper: _Helper | None = None

    async def score(self, task: Task, body: Sequence[bytes], bundle: Bundle, keep: Keep) -> LargeAnswer:
        """Score a body, given in pieces, without blocking the event loop.

        Args:
            task: what to do.
            body: in pieces.
            bundle: the model.
            keep: takes the entries for the prediction log, their rows already made; called in another thread, when
                the answer is there.

        Raises:
            ApiError: what is wrong with the body.
        """
        loop = get_running_loop()
        answered: Future[LargeAnswer] = loop.create_future()

        def work() -> None:
            try:
                answer, entries = self._score(task, body, bundle)
            except BaseException as error:  # noqa: BLE001 -- whoever asked gets it
                loop.call_soon_threadsafe(_settle, answered, None, error)
                return
            loop.call_soon_threadsafe(_settle, answered, answer, None)
            self._keep(entries, keep)

        self._pool.submit(work)
        return await answered

    def stop(self) -> None:
        """End the helper, and with it what it is working on."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            if self._helper is not None:
                self._helper.end()

    def _keep(self, entries: Iterator[Entry], keep: Keep) -> None:
        try:
            for entry in entries:
                keep(entry)
        except _GONE:
            logger.warning("the process for large batches is gone; some of its predictions are not logged")
            self._discard()

    def _score(self, task: Task, body: Sequence[bytes], bundle: Bundle) -> Scored:
        try:
            return self._try(task, body, bundle)
        except _GONE as error:
            logger.warning("the process for large batches is gone (%s); another one takes over", type(error).__name__)
        return self._try(task, body, bundle)

    def _try(self, task: Task, body: Sequence[bytes], bundle: Bundle) -> Scored:
        try:
            return self._present().score(task, body, bundle)
        except ApiError:
            raise
        except BaseException:
            self._discard()  # wherever in the exchange that was, the two do not understand each other any more
            raise

    def _present(self) -> "_Helper":
        with self._lock:
            if self._helper is None:
                self._helper = _Helper(self._settings)
            return self._helper

    def _discard(self) -> None:
        with self._lock:
            if self._helper is not None:
                self._helper.end()
                self._helper = None


class _Helper:
    """A started helper and the line to it."""

    def __init__(self, settings: ApiSettings) -> None:
        ours, theirs = socketpair()
        with theirs:
            command = (sys.executable, "-m", "api.scoring.large_batch_worker", str(theirs.fileno()))
            self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        self._line: Connection[Any, Any] = Connection(ours.detach())
        self._line.send(settings)

    def score(self, task: Task, body: Sequence[bytes], bundle: Bundle) -> Scored:
        """Hand over a body, run the graph on what comes back, and return the answer made of both.

        The entries for the log come while they are asked for; nothing else may be said before the last.
        """
        self._line.send(task)
        for piece in body:
            self._line.send_bytes(piece)
        self._line.send_bytes(b"")
        found = []
        while (inputs := self._hear()) is not None:
            found.append(bundle.run(inputs))
        probabilities = np.concatenate(found)
        self._line.send(probabilities)
        done: Done = self._hear()
        return LargeAnswer(done.body, probabilities, done.history), self._entries(task, done, probabilities)

    def end(self) -> None:
        """Let the process end, and see that it does."""
        self._line.close()
        self._process.kill()
        self._process.wait()

    def _entries(self, task: Task, done: Done, probabilities: NDArray[np.float32]) -> Iterator[Entry]:
        if task.entry is None:
            return
        for piece in range(done.pieces):
            first = piece * LOGGED_TOGETHER
            some = slice(first, first + LOGGED_TOGETHER)
            known, chances = done.known_fields[some], probabilities[some]
            rows = self._line.recv_bytes()
            yield replace(task.entry, known_fields=known, probabilities=chances, first=first, rows=rows)

    def _hear(self) -> Any:
        if not self._line.poll(SILENCE_SECONDS):
            raise TimeoutError("the process for large batches says nothing")
        said = self._line.recv()
        if isinstance(said, ApiError):
            raise said
        return said


def _stand_back() -> None:
    if sys.platform == "linux":  # where that is of this thread alone, and not of the whole process
        os.nice(NICENESS)


def _settle(answered: Future[LargeAnswer], answer: LargeAnswer | None, error: BaseException | None) -> None:
    if answered.done():  # the client has left
        return
    if answer is not None:
        answered.set_result(answer)
    elif error is not None:
        answered.set_exception(error)
