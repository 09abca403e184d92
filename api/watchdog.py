"""Watchdog of the event loop: ends a worker whose loop stands still, so that it is replaced.

A thread counts its own seconds in which the loop did nothing. It does not compare clocks: a process that was stopped
and continued (``docker pause``, a sleeping laptop) has missed seconds on the clock, and none of the thread's.
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import Final

logger = logging.getLogger(__name__)

EXIT_STATUS: Final = 70
"""Internal software error in sysexits.h; uvicorn, the supervisor and Compose replace the process."""

_BEAT_SECONDS: Final = 1.0


class Watchdog:
    """Ends the process if the event loop stands still for ``limit_seconds``; 0 switches it off."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._beats = 0
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch the running event loop."""
        if self._limit:
            self._task = asyncio.create_task(self._beat(), name="watchdog")
            threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the thread of the watchdog."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()

    async def _beat(self) -> None:
        while True:
            self._beats += 1
            await asyncio.sleep(min(_BEAT_SECONDS, self._limit / 4))

    def _watch(self) -> None:
        seen, missed = -1, 0.0
        interval = min(_BEAT_SECONDS, self._limit / 4)
        while not self._stopped.wait(interval):
            missed = missed + interval if seen == self._beats else 0.0
            seen = self._beats
            if missed >= self._limit:
                self._end()

    def _end(self) -> None:
        # The loop may hold the lock of a log handler: the line is written by another thread, and the end does not wait.
        told = threading.Thread(target=_tell, args=(self._limit,), daemon=True)
        told.start()
        told.join(2)
        with suppress(Exception):
            faulthandler.dump_traceback(sys.__stderr__ or 2)
        os._exit(EXIT_STATUS)


def _tell(limit: float) -> None:
    logger.critical("the event loop has stood still for %g seconds: this worker ends and is replaced", limit)
