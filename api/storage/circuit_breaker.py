"""Circuit breaker: after a failure, skips calls for `cooldown` seconds."""

import threading
from collections.abc import Callable
from time import monotonic


class CircuitBreaker:
    """Closed until a failure; then open for the cooldown, after which one call at a time is let through as a trial.

    Thread-safe.
    """

    def __init__(self, cooldown: float, clock: Callable[[], float] = monotonic) -> None:
        self._cooldown = cooldown
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at: float | None = None  # None while closed

    def allows(self) -> bool:
        """Whether the caller may make the call. The first caller after the cooldown makes the trial call."""
        with self._lock:
            if self._retry_at is None:
                return True
            now = self._clock()
            if now < self._retry_at:
                return False
            self._retry_at = now + self._cooldown
            return True

    def record_success(self) -> bool:
        """Close the breaker; returns whether it was open."""
        with self._lock:
            was_open, self._retry_at = self._retry_at is not None, None
            return was_open

    def record_failure(self) -> bool:
        """Open the breaker; returns whether it was closed."""
        with self._lock:
            was_closed, self._retry_at = self._retry_at is None, self._clock() + self._cooldown
            return was_closed
