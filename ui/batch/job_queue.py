"""Where files are handed in: few are scored at a time, so that everyone's pages stay quick."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Final

import streamlit as st

from ui import services
from ui.batch.scoring import Scoring
from ui.clients.file_scoring import ScoringClient

logger = logging.getLogger(__name__)

AT_ONCE: Final = 2
WAITING: Final = 6
"""Files that may wait for their turn; each is held in memory."""


class Desk:
    """Takes files in, and has them scored one after another. One instance serves all sessions."""

    def __init__(self, client: ScoringClient) -> None:
        self._client = client
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="scoring")
        self._taken: list[Scoring] = []
        self._lock = Lock()

    def hand_in(self, scoring: Scoring) -> bool:
        """Have a file scored; False when too many are waiting already."""
        with self._lock:
            self._taken = [one for one in self._taken if not one.has_ended]
            if len(self._taken) >= AT_ONCE + WAITING:
                return False
            self._taken.append(scoring)
        self._pool.submit(scoring.run, self._client.score).add_done_callback(_log)
        return True


def _log(ended: Future[None]) -> None:
    if error := ended.exception():
        logger.error("scoring a file ended with a fault of our own", exc_info=error)


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The desk of this process."""
    given = services.settings()
    return Desk(ScoringClient(given.api_url, given.http_timeout_seconds, given.api_key.get_secret_value()))
