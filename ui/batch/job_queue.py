"""Queue of files to score: a few run at a time, so that the pages of all sessions stay responsive."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Final

import streamlit as st

from ui import failures, services
from ui.batch.scoring import ScoringJob, Stage
from ui.clients.file_scoring import ScoringClient

MIN_TIMEOUT_SECONDS: Final = 30.0
"""A thousand rows can take longer than one record on a busy machine."""
MAX_RUNNING: Final = 2
MAX_WAITING: Final = 6
"""Each waiting file is held in memory."""


class JobQueue:
    """Runs scoring jobs in a thread pool. All sessions share one instance."""

    def __init__(self, client: ScoringClient) -> None:
        self.client: Final = client
        self._pool = ThreadPoolExecutor(max_workers=MAX_RUNNING, thread_name_prefix="scoring")
        self._jobs: list[ScoringJob] = []
        self._lock = Lock()

    def enqueue(self, job: ScoringJob) -> None:
        """Add a job, unless the queue is full; its stage tells which."""
        with self._lock:
            self._jobs = [one for one in self._jobs if not one.is_finished]
            if len(self._jobs) >= MAX_RUNNING + MAX_WAITING:
                job.stage = Stage.QUEUE_FULL
                return
            job.stage = Stage.WAITING
            self._jobs.append(job)
        self._pool.submit(job.run, self.client.score).add_done_callback(_record_exception)


def _record_exception(future: Future[None]) -> None:
    if error := future.exception():
        failures.record(error)


@st.cache_resource(show_spinner=False, on_release=lambda queue: queue.client.close())
def job_queue() -> JobQueue:
    """The queue of this process."""
    settings = services.settings()
    timeout = max(settings.http_timeout_seconds, MIN_TIMEOUT_SECONDS)
    return JobQueue(ScoringClient(settings.api_url, timeout, settings.api_key.get_secret_value()))
