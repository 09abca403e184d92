"""Programs and the whole stack are killed in the middle of their work: nothing is lost, and nothing happens twice.

A seed decides which work, which program, and when. ``FAULT_SEED`` and ``FAULT_STEPS`` choose other sequences.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil
import pytest

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES
from infra.local.errors import StackError
from infra.local.settings import StackSettings
from infra.local.supervision.supervisor import STACK_VARIABLE, Supervisor
from ml.data.sources.synthetic import write_csv
from tests.operations.conftest import COMMAND_SECONDS, HOME, UP_SECONDS
from tests.operations.test_backup_and_restore import is_ready, predict, sql, wait_for
from tests.support.native import ROOT, NativeStack

SEED: Final = int(os.environ.get("FAULT_SEED", "17"))
STEPS: Final = int(os.environ.get("FAULT_STEPS", "8"))
DAGS: Final = ("ingest_diabetes", "train_models_diabetes_simple", "roll_back_model")
EVERYTHING: Final = "everything"
PROGRAMS: Final = (
    *("airflow-scheduler", "airflow-apiserver", "airflow-dag-processor", "airflow-triggerer"),
    *("postgres", "mlflow-postgres", "mlflow", "api", "exporter", "streamlit", "locust"),
)
WORK: Final = ("delivery", "rollback", "traffic", "traffic", "traffic")
DOUBLE: Final = """
    SELECT idempotency_key, action, count(*) FROM gate_decisions
    WHERE idempotency_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
"""
PRODUCTION: Final = """
    SELECT version FROM gate_decisions
    WHERE action IN ('promoted', 'rolled_back', 'alias_moved_by_hand') AND completed_at IS NOT NULL
    ORDER BY id DESC LIMIT 1
"""


class Sequence:
    """The random sequence of work and faults, and what has to be true after each."""

    def __init__(self, native: NativeStack) -> None:
        self.native = native
        self.random = np.random.default_rng(SEED)
        self.settings = StackSettings.load(airflow_port=native.ports[8080], local_dir=HOME, _env_file=None)
        self.supervisor = Supervisor(self.settings.paths)
        self.outcomes: set[str] = set()
        """Requests whose outcome was acknowledged."""
        self.answers: dict[str, list[float]] = {}
        """Predictions by version."""
        self.deliveries = 0

    def begin(self, work: str) -> None:
        """Start a piece of work."""
        if work == "traffic":
            return
        dag = "ingest_diabetes" if work == "delivery" else "roll_back_model"
        if work == "delivery":
            self.deliveries += 1
            write_csv(Path(self.native.environment["DATA_FILE"]), 3000 + 10 * self.deliveries, seed=5)
        with AirflowClient(self.settings) as airflow:
            run = airflow.trigger(dag)
            tasks = int(self.random.integers(4))  # that have begun when the fault comes
            wait_for(f"{tasks} tasks of {run}", lambda: self._begun(airflow, dag, run) >= tasks)

    def _begun(self, airflow: AirflowClient, dag: str, run: str) -> int:
        if airflow.get_run(dag, run)["state"] in FINISHED_STATES:
            return 1000
        states = [task["state"] for task in airflow.task_instances(dag, run)]
        return sum(state not in (None, "scheduled", "queued") for state in states)

    def kill(self, name: str) -> None:
        """Kill a program, which its supervisor restarts, or everything, which a person starts again."""
        if name == EVERYTHING:
            while killed := stack_processes():  # again: a supervisor that is killed last may have restarted one
                for process in killed:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                psutil.wait_procs(killed, timeout=30)
            done = self.native.run("make up", UP_SECONDS)
            assert done.returncode == 0, done.stdout + done.stderr
            return
        pid = self.supervisor.states()[name].pid
        psutil.Process(pid).kill()
        wait_for(f"another {name}", lambda: self.supervisor.states()[name].pid not in (0, pid))

    def report_outcome(self) -> None:
        """Predict, and report the outcome; what is acknowledged has to stay."""
        with httpx.Client(base_url=self.native.url(8000), timeout=30) as api:
            try:
                request = api.post("/predict", json={"records": [{"age": "[60-70)"}]}).json()["request_id"]
                outcome = {
                    "request_id": request,
                    "readmitted_within_30_days": False,
                    "known_on": f"{datetime.now(UTC):%Y-%m-%d}",
                }
                answer = api.post("/feedback", json={"outcomes": [outcome]})
            except httpx.TransportError:  # the API itself was killed
                return
            if answer.status_code == httpx.codes.OK:
                self.outcomes.add(request)

    def check(self, step: str) -> None:
        """What has to be true after every fault."""
        wait_for(f"the model after {step}", lambda: is_ready(self.native))
        wait_for(f"the ends of all runs after {step}", self._is_idle, 600)
        done = self.native.run("make doctor", COMMAND_SECONDS)
        wait_for(f"a healthy stack after {step}: {done.stdout}", self._is_healthy)
        # Once more: between the end of an ingestion and the training that it starts no run is in progress.
        wait_for(f"the ends of the runs that others started after {step}", self._is_idle, 600)

        aliases = sql(
            self.native, "SELECT version FROM registered_model_aliases WHERE alias = 'production'", "mlflowdb"
        )
        assert [(str(version),) for (version,) in aliases] == sql(self.native, PRODUCTION), step
        (version,) = (str(number) for (number,) in aliases)
        wait_for(f"version {version} after {step}", lambda: self._served() == version)
        assert predict(self.native) == self.answers.setdefault(version, predict(self.native)), step
        assert sql(self.native, DOUBLE) == [], step
        stored = {request for (request,) in sql(self.native, "SELECT request_id FROM outcomes")}
        assert self.outcomes <= stored, step
        registered = sql(self.native, "SELECT run_id, count(*) FROM model_versions GROUP BY 1", "mlflowdb")
        assert {count for _, count in registered} == {1}, step

    def _served(self) -> str:
        return str(httpx.get(f"{self.native.url(8000)}/model", timeout=30).json()["version"])

    def _is_healthy(self) -> bool:
        return self.native.run("make doctor", COMMAND_SECONDS).returncode == 0

    def _is_idle(self) -> bool:
        try:
            with AirflowClient(self.settings) as airflow:
                return all(run["state"] in FINISHED_STATES for dag in DAGS for run in airflow.latest_runs(dag))
        except StackError:  # it starts
            return False


def stack_processes() -> list[psutil.Process]:
    """Every process of the stack, its supervisor included."""
    running = psutil.process_iter(["environ"])
    return [each for each in running if (each.info["environ"] or {}).get(STACK_VARIABLE) == str(ROOT / HOME)]


@pytest.fixture(scope="module")
def sequence(native: NativeStack) -> Sequence:
    done = native.run("make up", UP_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    sequence = Sequence(native)
    wait_for("the model", lambda: is_ready(native))
    with AirflowClient(sequence.settings) as airflow:
        for dag in DAGS:
            airflow.unpause(dag)
    sequence.check("the start")
    return sequence


@contextmanager
def predicting(native: NativeStack) -> Iterator[list[Any]]:
    """Predict without a pause; yields what was no prediction."""
    stopping: list[bool] = []
    failures: list[Any] = []

    def client() -> None:
        with httpx.Client(base_url=native.url(8000), timeout=30) as api:
            while not stopping:
                try:
                    answer = api.post("/predict", json={"records": [{"number_inpatient": 3}, {}]})
                    if answer.status_code != httpx.codes.OK:
                        failures.append(answer.text)
                except httpx.TransportError as error:
                    failures.append(repr(error))

    with ThreadPoolExecutor() as pool:
        running = pool.submit(client)
        try:
            yield failures
        finally:
            stopping.append(True)
        running.result()


def plan() -> list[tuple[str, str]]:
    """Work and fault of each step; every program and the whole stack are killed if the steps suffice."""
    chosen = np.random.default_rng(SEED)
    faults = [EVERYTHING, *chosen.permutation(PROGRAMS), *chosen.choice((EVERYTHING, *PROGRAMS), STEPS)]
    works = ["delivery", "rollback", "delivery", *chosen.choice(WORK, STEPS)]
    return [(str(work), str(fault)) for work, fault in zip(works, faults, strict=False)][:STEPS]


@pytest.mark.parametrize(("number", "work", "fault"), [(n, *each) for n, each in enumerate(plan())])
def test_after_a_sudden_end_nothing_is_lost_and_nothing_is_done_twice(
    sequence: Sequence, number: int, work: str, fault: str
) -> None:
    step = f"step {number} of seed {SEED}: {work}, then {fault} is killed"
    with predicting(sequence.native) as failures:
        sequence.begin(work)
        sequence.report_outcome()
        sequence.kill(fault)
        sequence.report_outcome()
        if fault not in (EVERYTHING, "api"):
            sequence.check(step)
            assert failures == [], step
    sequence.check(step)


def test_afterwards_new_data_make_a_version_as_ever(sequence: Sequence) -> None:
    before = sql(sequence.native, "SELECT count(*) FROM model_versions", "mlflowdb")
    sequence.begin("delivery")
    wait_for(
        "another version", lambda: sql(sequence.native, "SELECT count(*) FROM model_versions", "mlflowdb") > before, 600
    )
    sequence.check("the last delivery")
    with AirflowClient(sequence.settings) as airflow:
        assert {airflow.latest_runs(dag)[0]["state"] for dag in DAGS[:2]} == {"success"}
