"""Trains a first model through Airflow: runs the ingestion DAG, then the training DAG, and follows both to their end.

A thread does it, so that it continues when the page is left. One instance serves all sessions, so that two people who
press the button at once start it once.
"""

import time
from collections.abc import Iterator
from threading import Lock, Thread
from typing import Final

import streamlit as st

from ui import services
from ui.clients.airflow import SUCCESS, AirflowClient, DagRun
from ui.clients.errors import ServiceError

INGEST: Final = "ingest_diabetes"
TRAIN: Final = "train_models_diabetes_simple"
DAGS: Final = (INGEST, TRAIN)

SCHEDULED_RUN_SECONDS: Final = 8.0
"""Time that Airflow may need to start a run of its own after a DAG is switched on."""
POLL_SECONDS: Final = 2.0
MAX_SECONDS: Final = 2 * 3600.0
MAX_FAILED_POLLS: Final = 5
"""Consecutive polls that may fail."""


class FirstRun:
    """The runs of both DAGs.

    Attributes:
        runs: by DAG, as last polled.
        error: that ended it.
        failed_task: at which a run failed.
    """

    def __init__(self, airflow: AirflowClient, poll_seconds: float) -> None:
        self.runs: dict[str, DagRun] = {}
        self.error: ServiceError | None = None
        self.failed_task = ""
        self._airflow, self._poll_seconds = airflow, poll_seconds
        self._thread: Thread | None = None
        self._lock = Lock()

    @property
    def is_running(self) -> bool:
        """Whether it is in progress."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def was_started(self) -> bool:
        """Whether it was ever started."""
        return self._thread is not None

    @property
    def has_succeeded(self) -> bool:
        """Whether both runs succeeded."""
        return all(dag in self.runs and self.runs[dag].state == SUCCESS for dag in DAGS)

    def start(self) -> None:
        """Start it, unless it is in progress."""
        with self._lock:
            if self.is_running:
                return
            self.runs, self.error, self.failed_task = {}, None, ""
            self._thread = Thread(target=self._run_dags, name="first-run", daemon=True)
            self._thread.start()

    def _run_dags(self) -> None:
        try:
            for dag in DAGS:
                for run in self._poll(self._start_or_join(dag)):
                    self.runs[dag] = run
                if self.runs[dag].state != SUCCESS:
                    tasks = self._airflow.tasks(dag, self.runs[dag].dag_run_id)
                    self.failed_task = next((task.task_id for task in tasks if task.state == "failed"), "")
                    return
        except ServiceError as error:
            self.error = error

    def _start_or_join(self, dag: str) -> DagRun:
        """A run in progress or one that Airflow schedules when the DAG is switched on; otherwise a triggered one."""
        ended = {run.dag_run_id for run in self._airflow.latest_runs(dag) if run.is_finished}
        self._airflow.unpause(dag)
        deadline = time.monotonic() + min(SCHEDULED_RUN_SECONDS, 4 * self._poll_seconds)
        while time.monotonic() < deadline:
            for run in self._airflow.latest_runs(dag):
                if run.dag_run_id not in ended:
                    return run
            time.sleep(self._poll_seconds / 2)
        return self._airflow.trigger(dag)

    def _poll(self, run: DagRun) -> Iterator[DagRun]:
        """The run at each poll, until it has ended."""
        deadline, failures = time.monotonic() + MAX_SECONDS, 0
        yield run
        while not run.is_finished and time.monotonic() < deadline:
            time.sleep(self._poll_seconds)
            try:
                run, failures = self._airflow.run(run.dag_id, run.dag_run_id), 0
            except ServiceError:
                failures += 1
                if failures == MAX_FAILED_POLLS:
                    raise
            yield run


@st.cache_resource(show_spinner=False)
def first_run() -> FirstRun:
    """The instance of this process."""
    return FirstRun(services.airflow(), POLL_SECONDS)
