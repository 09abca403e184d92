"""What the service has to do at a moment, and how much of it is too much.

Whoever comes when too much is being done is told so at once: those who were let in are answered in bounded time and
memory, and the moment they are, the next are let in. Touched in the event loop only, so it needs no lock.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from api.errors import OverloadedError
from api.settings import ApiSettings

REQUESTS: Final = "requests"
BYTES: Final = "bytes"
LARGE_BATCHES: Final = "large_batches"
REASONS: Final = (REQUESTS, BYTES, LARGE_BATCHES)
"""What there was too much of, as the metric of refused requests names it."""


class Admission:
    """Requests that are being answered, the bytes of their bodies, and the large batches among them."""

    def __init__(self, max_requests: int, max_bytes: int, max_large_batches: int) -> None:
        self.requests = 0
        self.body_bytes = 0
        self.large_batches = 0
        self.shed = Counter(dict.fromkeys(REASONS, 0))
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._max_large_batches = max_large_batches

    @classmethod
    def of(cls, settings: ApiSettings) -> "Admission":
        """With the bounds of the settings; a body of the largest size fits in any case."""
        most = max(settings.max_in_flight_bytes, settings.max_body_bytes)
        return cls(settings.max_in_flight, most, settings.max_large_batches)

    def admit(self, announced_bytes: int) -> None:
        """Let a request in; :meth:`leave` must follow.

        Raises:
            OverloadedError: there is too much to do already.
        """
        if self.requests >= self._max_requests:
            raise self._refusal(REQUESTS, "requests are being answered")
        if announced_bytes and self.body_bytes + announced_bytes > self._max_bytes:
            raise self._refusal(BYTES, "bytes of requests are being worked on")
        self.requests += 1

    def receive(self, size: int) -> None:
        """Count bytes of a body that have arrived.

        Raises:
            OverloadedError: they are too many, with those of all other bodies.
        """
        self.body_bytes += size
        if self.body_bytes > self._max_bytes:
            raise self._refusal(BYTES, "bytes of requests are being worked on")

    def leave(self, received_bytes: int) -> None:
        """Let a request go."""
        self.requests -= 1
        self.body_bytes -= received_bytes

    @contextmanager
    def large_batch(self) -> Iterator[None]:
        """Hold one of the places for large batches.

        Raises:
            OverloadedError: there is none.
        """
        if self.large_batches >= self._max_large_batches:
            raise self._refusal(LARGE_BATCHES, "large batches are waiting")
        self.large_batches += 1
        try:
            yield
        finally:
            self.large_batches -= 1

    def _refusal(self, reason: str, what: str) -> OverloadedError:
        self.shed[reason] += 1
        return OverloadedError(f"As many {what} as the service takes at a time; try again in a moment.")
