"""The project with docker-compose.scale.yml: Airflow's tasks on workers, one of which is killed during a search."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES, wait_for_dags
from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port
from tests.e2e.compose.services import DAG_SECONDS, TEST_SECONDS, airflow_settings, get, run_dag
from tests.e2e.compose.test_1_start import CONNECT
from tests.e2e.compose.test_4_replicas import containers_of
from tests.support.compose import ComposeStack, wait_for
from tests.support.overlays import JOINED, SCALE

pytestmark = [pytest.mark.docker, pytest.mark.timeout(TEST_SECONDS)]

WORKERS, DASK_WORKERS, TRIALS = 3, 2, 16
SMALL = {"TUNE_TRIALS": str(TRIALS), "TRAIN_JOBS": "1", "FOREST_TREES": "20", "BOOTSTRAP_SAMPLES": "50"}
AFTERWARDS = {"TUNE_TRIALS": "2", "TRAIN_JOBS": "2", "FOREST_TREES": "200", "BOOTSTRAP_SAMPLES": "300"}
SEARCH = "auto_model_train_diabetes"
SECRETS = {"dask_certificate", "diabetes_db_password", "model_public_keys", "prediction_log_key", "valkey_password"}

COMPLETE = """
import json, optuna
from ml.core.settings import MlSettings
from ml.training.tune import storage
optuna.logging.disable_default_handler()
found = storage(MlSettings.load())
slots = [[trial.user_attrs["slot"] for trial in found.get_all_trials(study._study_id) if trial.state.name == "COMPLETE"]
         for study in found.get_all_studies()]
print(json.dumps(max(slots, key=len)))
"""
"""Prints the slots of the complete trials of the largest search."""


@dataclass(frozen=True)
class Search:
    """A finished run, during which a worker was killed and its container removed."""

    tasks: list[dict[str, Any]]
    killed: str
    interrupted: int
    """The trial that ran on that worker."""


@pytest.fixture(scope="module")
def scaled(stack: ComposeStack) -> Iterator[ComposeStack]:
    stack.configure(**SMALL)
    with stack.with_overlay(SCALE, "--scale", f"airflow-worker={WORKERS}", "--scale", f"dask-worker={DASK_WORKERS}"):
        yield stack
        stack.configure(**AFTERWARDS)


@pytest.fixture(scope="module")
def workers(scaled: ComposeStack) -> list[dict[str, Any]]:
    found = containers_of(scaled, "airflow-worker")
    assert len(found) == WORKERS
    return found


@pytest.fixture(scope="module")
def search(scaled: ComposeStack, workers: list[dict[str, Any]]) -> Search:
    """Kill a worker during its second trial or a later one."""
    run_dag(scaled, "ingest_diabetes")
    with AirflowClient(airflow_settings(scaled)) as airflow:
        wait_for_dags(airflow, (SEARCH,))
        airflow.unpause(SEARCH)
        airflow.trigger(SEARCH)
        run_id, interrupted = "", {}

        def is_under_way() -> bool:
            nonlocal run_id, interrupted
            # A DAG that starts for the first time has a scheduled run before the one of the test.
            run_id = next((run["dag_run_id"] for run in airflow.latest_runs(SEARCH) if run["state"] == "running"), "")
            trials = _trials(airflow.task_instances(SEARCH, run_id)) if run_id else []
            done = {trial["hostname"] for trial in trials if trial["state"] == "success"}
            found = [trial for trial in trials if trial["state"] == "running" and trial["hostname"] in done]
            interrupted = next(iter(found), {})
            return bool(found) and len({trial["hostname"] for trial in trials if trial["state"] == "success"}) > 1

        wait_for("trials on several workers", is_under_way, DAG_SECONDS)
        killed = str(interrupted["hostname"])
        scaled.docker("kill", killed)
        scaled.docker("rm", killed)
        wait_for(
            "the end of every run",
            lambda: all(run["state"] in FINISHED_STATES for run in airflow.latest_runs(SEARCH)),
            DAG_SECONDS,
        )
        assert airflow.get_run(SEARCH, run_id)["state"] == "success"
        return Search(airflow.task_instances(SEARCH, run_id), killed, int(interrupted["map_index"]))


def test_tasks_run_on_workers_and_the_gate_in_the_scheduler(
    scaled: ComposeStack, workers: list[dict[str, Any]], search: Search
) -> None:
    hosts = {worker["Config"]["Hostname"] for worker in workers}
    trained = run_dag(scaled, "train_models_diabetes_simple")
    for task in (*search.tasks, *trained):
        assert task["hostname"] == "airflow-scheduler" if task["task_id"] == "gate" else task["hostname"] in hosts, task
    used = Counter(task["hostname"] for task in _trials(search.tasks))
    assert len(used) == WORKERS
    scaled.say(f"{TRIALS} trials on {WORKERS} workers: {sorted(used.values())}")


def test_a_task_of_a_killed_worker_is_retried_on_another_one(search: Search) -> None:
    retried = [task for task in _trials(search.tasks) if task["try_number"] > 1]
    assert [task["map_index"] for task in retried] == [search.interrupted]
    assert retried[0]["hostname"] != search.killed


def test_every_slot_of_the_search_was_filled_once(scaled: ComposeStack, search: Search) -> None:
    slots = json.loads(scaled.execute("airflow-scheduler", "python", "-c", COMPLETE).splitlines()[-1])
    assert sorted(slots) == list(range(TRIALS))


def test_the_version_of_the_search_was_decided_on_once(scaled: ComposeStack, search: Search) -> None:
    ledger = json.loads(scaled.execute("airflow-scheduler", "python", "-m", "ml", "ledger", "--json"))
    actor = f"{SEARCH} {search.tasks[0]['dag_run_id']}"
    assert len([entry for entry in ledger if actor in str(entry["actor"])]) == 1, ledger


def test_the_logs_of_a_removed_worker_stay_readable(scaled: ComposeStack, search: Search) -> None:
    """The log of a repeated task may say that its trial is complete: the workers of Dask had gone on with it."""
    trials = [task for task in _trials(search.tasks) if task["map_index"] != search.interrupted]
    with AirflowClient(airflow_settings(scaled)) as airflow:
        for is_killed in (True, False):
            task = next(task for task in trials if (task["hostname"] == search.killed) == is_killed)
            log = airflow.task_log(task)
            assert any(f"Trial {task['map_index']}: " in line for line in log), log


def test_the_trials_ran_on_the_workers_of_dask(scaled: ComposeStack, search: Search) -> None:
    with AirflowClient(airflow_settings(scaled)) as airflow:
        for task in _trials(search.tasks):
            log = "".join(airflow.task_log(task))
            assert f"Dask cluster at tls://dask-scheduler:8786: {DASK_WORKERS} workers" in log


def test_nobody_else_reaches_the_cluster(scaled: ComposeStack) -> None:
    names = ("airflow-worker", "dask-worker", "airflow-scheduler", "airflow-apiserver", "mlflow", "exporter", "api")
    found = {
        name: scaled.execute(name, "python", "-c", CONNECT, "dask-scheduler:8786").strip() == "dask-scheduler"
        for name in names
    }
    assert {name for name, reaches in found.items() if reaches} == {"airflow-worker", "dask-worker"}


def test_a_worker_holds_no_key_and_no_login_to_airflows_database(
    scaled: ComposeStack, workers: list[dict[str, Any]]
) -> None:
    password = scaled.in_volume("secrets-all", "cat", "/volume/valkey_password")
    assert password not in json.dumps(workers)
    assert password not in scaled.logs("airflow-worker", "airflow-scheduler", "valkey", tail=10_000)
    found = scaled.execute("airflow-worker", "find", "/run", "-name", "*_*", "-type", "f", "-path", "*secrets*")
    assert {path.rpartition("/")[2] for path in found.split()} == SECRETS
    environment = scaled.execute("airflow-worker", "sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null; true")
    assert "PATH=" in environment
    assert not [name for name in ("JWT_SECRET", "SQL_ALCHEMY_CONN_CMD", "FERNET_KEY") if name in environment]


def test_only_the_scheduler_and_the_workers_reach_the_queue_and_no_one_without_the_password(
    scaled: ComposeStack,
) -> None:
    reaching = {
        name: scaled.execute(name, "python", "-c", CONNECT, "valkey:6379").strip() == "valkey"
        for name in ("airflow-scheduler", "airflow-worker", "airflow-apiserver", "mlflow", "exporter", "api")
    }
    assert {name for name, reaches in reaching.items() if reaches} == {"airflow-scheduler", "airflow-worker"}
    refused = scaled.execute("valkey", "valkey-cli", "-h", "valkey", "llen", "default")
    assert "NOAUTH" in refused


def test_a_worker_of_another_machine_joins_by_one_port_and_runs_tasks(scaled: ComposeStack) -> None:
    """With the documented commands, in a project of its own, which shares no network and no volume with the first."""
    gateway = scaled.docker("network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}").strip()
    scaled.configure(JOIN_ADDRESS=gateway, JOIN_PORT=str(free_port()))
    text = (ROOT / "docs" / "scaling.md").read_text()
    first, second = re.findall(r"```bash\n([^`]*join\.tar[^`]*)```", text)
    scaled.shell(first)
    scaled.compose("rm", "--stop", "--force", "airflow-worker")
    other = "export COMPOSE_PROJECT_NAME=joined-compose-test\n"
    try:
        scaled.shell(other + second)
        (host,) = scaled.shell(f"{other}docker compose -f {JOINED} ps -q airflow-worker").split()
        tasks = [*run_dag(scaled, "ingest_diabetes"), *run_dag(scaled, "train_models_diabetes_simple")]
        assert {task["hostname"] for task in tasks if task["task_id"] != "gate"} == {host[:12]}
        assert_locust_has_two_workers(scaled)
    finally:
        scaled.shell(f"{other}docker compose -f {JOINED} down -v -t 10")
        scaled.configure(JOIN_ADDRESS="")


def assert_locust_has_two_workers(scaled: ComposeStack) -> None:
    """That of the first machine and the joined one; both send requests, and none fails."""
    locust = scaled.url("LOCUST")

    def stats() -> dict[str, Any]:
        return dict(get(f"{locust}/stats/requests").json())

    def users() -> list[int]:
        return sorted(worker["user_count"] for worker in stats()["workers"])

    wait_for("both workers of Locust", lambda: len(users()) == 2, 120, lambda: str(stats()["workers"]))
    form = {"user_count": "4", "spawn_rate": "4", "host": "http://api:8000"}
    assert httpx.post(f"{locust}/swarm", data=form, timeout=30).json()["success"]
    wait_for("users on both", lambda: users() == [2, 2], 60, lambda: str(users()))
    wait_for("requests", lambda: sum(row["num_requests"] for row in stats()["stats"]) > 100, 60)
    httpx.post(f"{locust}/stop", timeout=60).raise_for_status()
    assert stats()["errors"] == []


def _trials(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [task for task in tasks if task["task_id"] == "run_trial"]
