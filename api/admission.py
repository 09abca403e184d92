"""Admission control: counts requests and bytes in flight and sheds load above the limits.

Large batches wait for one another, in the order of their arrival. Admitted requests then finish in bounded time and
memory. For the event loop only, hence no lock.
"""

from asyncio import Semaphore, timeout
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from api.errors import OverloadedError
from api.settings import ApiSettings

REASONS: Final = {"requests": "requests in flight", "bytes": "bytes in flight", "large_batches": "large batches"}
"""Values of the metric's label ``reason``, the limit that was reached, with their names in messages."""


class Admission:
    """Counts of requests in flight, of the bytes of their bodies, and of large batches."""

    def __init__(self, max_requests: int, max_bytes: int, max_large_batches: int, wait_seconds: float) -> None:
        self.requests = 0
        self.body_bytes = 0
        self.large_batches = 0
        self.waiting = 0  # large batches without a slot
        self.shed = Counter(dict.fromkeys(REASONS, 0))
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._slots = Semaphore(max_large_batches)  # first come, first served
        self._wait_seconds = wait_seconds

    @classmethod
    def from_settings(cls, settings: ApiSettings) -> "Admission":
        """The limits of the settings; one body of the maximum size always fits."""
        max_bytes = max(settings.max_in_flight_bytes, settings.max_body_bytes)
        return cls(settings.max_in_flight, max_bytes, settings.max_large_batches, settings.large_batch_wait_seconds)

    def admit(self, declared_bytes: int) -> None:
        """Admit a request; :meth:`release` must follow.

        Raises:
            OverloadedError: too many requests or bytes are in flight.
        """
        if self.requests >= self._max_requests:
            raise self._overloaded("requests")
        if declared_bytes and self.body_bytes + declared_bytes > self._max_bytes:
            raise self._overloaded("bytes")
        self.requests += 1

    def receive(self, size: int) -> None:
        """Count bytes of a body that have arrived.

        Raises:
            OverloadedError: too many bytes are in flight.
        """
        self.body_bytes += size
        if self.body_bytes > self._max_bytes:
            raise self._overloaded("bytes")

    def release(self, received_bytes: int) -> None:
        """Count a request as finished."""
        self.requests -= 1
        self.body_bytes -= received_bytes

    @asynccontextmanager
    async def large_batch(self) -> AsyncIterator[None]:
        """Wait for one of the slots for large batches, and hold it. A body that is read afterwards need not be kept.

        Raises:
            OverloadedError: no slot was free within the time limit.
        """
        self.waiting += 1
        try:
            async with timeout(self._wait_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise self._overloaded("large_batches") from None
        finally:
            self.waiting -= 1
        self.large_batches += 1
        try:
            yield
        finally:
            self.large_batches -= 1
            self._slots.release()

    def _overloaded(self, reason: str) -> OverloadedError:
        self.shed[reason] += 1
        return OverloadedError(f"The service is overloaded: too many {REASONS[reason]}; try again in a moment.")
