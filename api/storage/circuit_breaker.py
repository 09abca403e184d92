"""A circuit breaker: what has just failed is not asked again for a while."""

import threading
from time import monotonic


class Breaker:
    """Lets everybody through until a failure; then nobody for a pause, then one. If that one succeeds, everybody."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause = pause_seconds
        self._lock = threading.Lock()
        self._retry_at: float | None = None  # on the clock of time.monotonic; None while all is well

    def admits(self) -> bool:
        """Whether the caller may try. Who is let through after a pause tries for all others."""
        with self._lock:
            if self._retry_at is None:
                return True
            now = monotonic()
            if now < self._retry_at:
                return False
            self._retry_at = now + self._pause
            return True

    def succeeded(self) -> bool:
        """Note a success; returns whether it ended a time of failures."""
        with self._lock:
            failing, self._retry_at = self._retry_at is not None, None
            return failing

    def failed(self) -> bool:
        """Note a failure; returns whether all had been well before."""
        with self._lock:
            well, self._retry_at = self._retry_at is None, monotonic() + self._pause
            return well
