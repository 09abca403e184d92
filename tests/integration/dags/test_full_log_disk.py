"""DAG runs while the disk of the task logs is full: Airflow cannot start a task there, and tries again if it may."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES
from infra.local.errors import StackError
from infra.local.postgres.cluster import PostgresServer
from tests.integration.dags.conftest import SMALL
from tests.integration.dags.dag_runs import environment_of
from tests.integration.ml.databases import fresh_database
from tests.support.airflow_home import ROOT, Airflow, airflow_environment
from tests.support.airflow_programs import running_airflow
from tests.support.postgres import database_url
from tests.support.small_disks import filled, small_disk

DAG, MODULES = "ingest_diabetes", ("ingest_diabetes.py", "shared.py")
ONE_TRY = "one_try"
DAG_WITH_ONE_TRY = f"""
from airflow.sdk import dag, task


@dag(schedule=None)
def {ONE_TRY}():
    @task
    def start(): ...

    start()


{ONE_TRY}()
"""


@pytest.fixture
def airflow(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Airflow]:
    """With a database of its own, because the runs that others repeat are the first of theirs."""
    name, password = "full_disk_airflow", secrets.token_urlsafe(12)
    postgres_server.ensure_database(name, name, password)
    with fresh_database(postgres_server, tmp_path) as (settings, _engine):
        address = database_url(postgres_server, name, name, password)
        further = {**SMALL, **environment_of(settings), "DATA_DIR": str(tmp_path / "data")}
        further["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder_of_dags(tmp_path / "dags"))
        airflow = Airflow(airflow_environment(tmp_path, address, **further))
        airflow.run("-m", "airflow", "db", "migrate")
        yield airflow
    postgres_server.drop_database(name)


@pytest.fixture
def logs(airflow: Airflow) -> Iterator[Path]:
    with small_disk(Path(airflow.environment["AIRFLOW_HOME"]) / "logs", 16) as disk:
        yield disk


def test_a_run_succeeds_by_itself_when_there_is_space_and_one_that_failed_before_says_why(
    airflow: Airflow, logs: Path
) -> None:
    with running_airflow(airflow) as client:
        wait_for(lambda: client.has_dag(DAG))
        client.unpause(DAG)
        client.unpause(ONE_TRY)
        wait_for(lambda: states_of_runs(client) == {"success"})  # of today
        with filled(logs):
            run, failed = client.trigger(DAG), client.trigger(ONE_TRY)
            wait_for(lambda: "up_for_retry" in states_of_tasks(client, run))
            wait_for(lambda: client.get_run(ONE_TRY, failed)["state"] == "failed")
            assert f"The disk of the task logs ({logs}) is full" in client.get_run(ONE_TRY, failed)["note"]
            assert client.import_errors() == []
        wait_for(lambda: client.get_run(DAG, run)["state"] in FINISHED_STATES)
        assert client.get_run(DAG, run)["state"] == "success"
        assert client.get_run(DAG, run)["note"] is None
        tries = {task["task_id"]: task["try_number"] for task in client.task_instances(DAG, run)}
        assert tries["download_data"] > 1
    assert "No space left on device" in (logs.parent / "scheduler.log").read_text()


def folder_of_dags(folder: Path) -> Path:
    """A folder with the DAG of the platform and one whose task is tried once."""
    folder.mkdir()
    for module in MODULES:
        (folder / module).symlink_to(ROOT / "dags" / module)
    (folder / "one_try.py").write_text(DAG_WITH_ONE_TRY)
    return folder


def states_of_runs(client: AirflowClient) -> set[str]:
    return {run["state"] for run in client.latest_runs(DAG)}


def states_of_tasks(client: AirflowClient, run: str) -> set[str]:
    return {task["state"] for task in client.task_instances(DAG, run)}


def wait_for(is_true: Callable[[], bool]) -> None:
    """The time limit is that of the test; a busy machine may keep the API server from an answer."""
    while True:
        with suppress(StackError):
            if is_true():
                return
        time.sleep(0.5)
