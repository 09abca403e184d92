"""Asking the services of the compose project, as everybody does."""

import time
from typing import Any

import httpx

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES, wait_for_dags
from infra.local.settings import StackSettings
from tests.support.compose import ComposeStack, wait_for

TEST_SECONDS = 2400
"""One test at most; the first one builds the images."""
DAG_SECONDS = 1200
RECORD = {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}


def get(url: str) -> httpx.Response:
    """A GET that counts a service that is away as an answer of 599."""
    try:
        return httpx.get(url, timeout=10, follow_redirects=True)
    except httpx.TransportError:
        return httpx.Response(599)


def predict(stack: ComposeStack) -> dict[str, Any]:
    answer = httpx.post(f"{stack.url('API')}/predict", json={"records": [RECORD]}, timeout=10)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def is_ready(stack: ComposeStack) -> bool:
    return get(f"{stack.url('API')}/ready").status_code == 200


def run_dag(stack: ComposeStack, dag_id: str) -> None:
    """A run through Airflow's REST API, which must be a success."""
    with AirflowClient(StackSettings.load(airflow_port=stack.ports["AIRFLOW"])) as airflow:
        wait_for_dags(airflow, (dag_id,))
        begun = time.monotonic()
        airflow.unpause(dag_id)
        run_id = airflow.trigger(dag_id)
        state = "queued"

        def ended() -> bool:
            nonlocal state
            state = airflow.get_run(dag_id, run_id)["state"]
            return state in FINISHED_STATES

        wait_for(f"{dag_id} to end", ended, DAG_SECONDS, lambda: f"It is {state}.")
        tasks = airflow.task_instances(dag_id, run_id)
        failed = next((task for task in tasks if task["state"] == "failed"), None)
        assert state == "success", "\n".join(airflow.task_log(failed)[-25:]) if failed else state
        took = ", ".join(f"{task['task_id']} {task['duration'] or 0:.0f} s" for task in tasks)
        stack.say(f"{dag_id}: {time.monotonic() - begun:.0f} s ({took})")
