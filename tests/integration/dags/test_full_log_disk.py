"""A DAG run while the disk of the task logs is full: Airflow cannot start a task there, and tries again."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES
from infra.local.errors import StackError
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse
from tests.support.airflow_home import Airflow
from tests.support.airflow_programs import running_airflow
from tests.support.small_disks import filled, small_disk

DAG = "ingest_diabetes"


@pytest.fixture
def logs(airflow: Airflow) -> Iterator[Path]:
    with small_disk(Path(airflow.environment["AIRFLOW_HOME"]) / "logs", 16) as disk:
        yield disk


def test_the_run_waits_says_why_and_succeeds_without_a_hand_when_there_is_space(
    airflow: Airflow, settings: MlSettings, logs: Path
) -> None:
    with running_airflow(airflow) as client:
        wait_for(lambda: client.has_dag(DAG))
        client.unpause(DAG)
        wait_for(lambda: all(run["state"] in FINISHED_STATES for run in client.latest_runs(DAG)))  # of today
        with filled(logs):
            run = client.trigger(DAG)
            wait_for(lambda: "up_for_retry" in states(client, run))
            assert client.import_errors() == []
        wait_for(lambda: client.get_run(DAG, run)["state"] in FINISHED_STATES)
        assert client.get_run(DAG, run)["state"] == "success"
        tries = {task["task_id"]: task["try_number"] for task in client.task_instances(DAG, run)}
        assert tries["download_data"] > 1
    assert "No space left on device" in (logs.parent / "scheduler.log").read_text()
    with warehouse(settings) as engine, engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM ingestions")) == 1


def states(client: AirflowClient, run: str) -> set[str]:
    return {task["state"] for task in client.task_instances(DAG, run)}


def wait_for(is_true: Callable[[], bool]) -> None:
    """The time limit is that of the test; a busy machine may keep the API server from an answer."""
    while True:
        with suppress(StackError):
            if is_true():
                return
        time.sleep(0.5)
