"""Draining: told to stop, the service answers for some seconds more, and /ready is 503 meanwhile.

At SIGTERM uvicorn closes its listening socket and its idle connections at once. A load balancer needs some seconds to
learn that the replica stops; without them it sends requests to a closed socket.
"""

import asyncio
import signal
from types import FrameType


class Draining:
    """Delays SIGTERM by ``seconds``; with 0 the service stops at once. A second SIGTERM ends the delay."""

    def __init__(self, seconds: float) -> None:
        self.has_begun = False
        self._seconds = seconds

    def start(self) -> None:
        """Put the delay before the present handler, which is uvicorn's. For the event loop of the main thread."""
        stop = signal.getsignal(signal.SIGTERM)
        if not self._seconds or not callable(stop):
            return
        loop = asyncio.get_running_loop()

        def drain(number: int, frame: FrameType | None) -> None:
            if self.has_begun:
                stop(number, frame)
            else:
                self.has_begun = True
                loop.call_soon_threadsafe(loop.call_later, self._seconds, stop, number, None)

        signal.signal(signal.SIGTERM, drain)
