"""From nothing to a first model: ingest, then train, through Airflow, followed to the end.

A thread does it, so that it goes on when the person looks elsewhere; there is one for all, so that two people who
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

OWN_RUN_SECONDS: Final = 8.0
"""How long Airflow may take to start the run that a schedule, or new data, call for."""

POLL_SECONDS: Final = 2.0
MOST_SECONDS: Final = 2 * 3600.0
PATIENCE: Final = 5
"""Times in a row that Airflow may fail to answer while a run is followed."""


class FirstRun:
    """What has become of it, for everyone to see."""

    def __init__(self, airflow: AirflowClient, poll_seconds: float) -> None:
        self.runs: dict[str, DagRun] = {}
        """The run of each DAG, as it was when it was last seen."""
        self.error: ServiceError | None = None
        self.failed_task = ""
        """The step at which a run failed."""
        self._airflow, self._poll = airflow, poll_seconds
        self._thread: Thread | None = None
        self._lock = Lock()

    @property
    def is_running(self) -> bool:
        """Whether it is under way."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def was_started(self) -> bool:
        """Whether there is something to show."""
        return self._thread is not None

    @property
    def has_succeeded(self) -> bool:
        """Whether both runs ended well."""
        return all(dag in self.runs and self.runs[dag].state == SUCCESS for dag in DAGS)

    def start(self) -> None:
        """Begin, unless it is under way already."""
        with self._lock:
            if self.is_running:
                return
            self.runs, self.error, self.failed_task = {}, None, ""
            self._thread = Thread(target=self._go, name="first-run", daemon=True)
            self._thread.start()

    def _go(self) -> None:
        try:
            for dag in DAGS:
                for run in self._followed(self._present_run(dag)):
                    self.runs[dag] = run
                if self.runs[dag].state != SUCCESS:
                    self.failed_task = self._failed_task(self.runs[dag])
                    return
        except ServiceError as error:
            self.error = error

    def _present_run(self, dag: str) -> DagRun:
        """A run that is under way, or that switching the DAG on brings about; else one of our own."""
        ended = {run.dag_run_id for run in self._airflow.latest_runs(dag) if run.is_finished}
        self._airflow.unpause(dag)
        deadline = time.monotonic() + min(OWN_RUN_SECONDS, 4 * self._poll)
        while time.monotonic() < deadline:
            for run in self._airflow.latest_runs(dag):
                if run.dag_run_id not in ended:
                    return run
            time.sleep(self._poll / 2)
        return self._airflow.trigger(dag)

    def _followed(self, run: DagRun) -> Iterator[DagRun]:
        """The run, again and again, until it has ended."""
        deadline, misses = time.monotonic() + MOST_SECONDS, 0
        yield run
        while not run.is_finished and time.monotonic() < deadline:
            time.sleep(self._poll)
            try:
                run, misses = self._airflow.run(run.dag_id, run.dag_run_id), 0
            except ServiceError:
                misses += 1
                if misses == PATIENCE:
                    raise
            yield run

    def _failed_task(self, run: DagRun) -> str:
        tasks = self._airflow.tasks(run.dag_id, run.dag_run_id)
        return next((task.task_id for task in tasks if task.state == "failed"), "")


@st.cache_resource(show_spinner=False)
def first_run() -> FirstRun:
    """The one of this process."""
    return FirstRun(services.airflow(), POLL_SECONDS)
