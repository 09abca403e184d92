"""Requests to the services of the compose project: pages, predictions and DAG runs."""

import time
from typing import Any

import httpx

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES, wait_for_dags
from infra.local.settings import StackSettings
from tests.support.compose import AIRFLOW_PASSWORD, ComposeStack, wait_for

TEST_SECONDS = 2400
"""Time limit of a test; the first one builds the images."""
DAG_SECONDS = 1200
RECORD = {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}


def get(url: str) -> httpx.Response:
    """Send a GET; a service that cannot be reached gives 599."""
    try:
        return httpx.get(url, timeout=10, follow_redirects=True)
    except httpx.TransportError:
        return httpx.Response(599)


def predict(stack: ComposeStack) -> dict[str, Any]:
    response = httpx.post(f"{stack.url('API')}/predict", json={"records": [RECORD]}, timeout=10)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def is_ready(stack: ComposeStack) -> bool:
    return get(f"{stack.url('API')}/ready").status_code == 200


def airflow_settings(stack: ComposeStack) -> StackSettings:
    """Address and login of Airflow."""
    return StackSettings.load(airflow_port=stack.ports["AIRFLOW"], airflow_password=AIRFLOW_PASSWORD)


def run_dag(stack: ComposeStack, dag_id: str) -> list[dict[str, Any]]:
    """Run a DAG through Airflow's REST API; the run must succeed. Returns its tasks."""
    with AirflowClient(airflow_settings(stack)) as airflow:
        wait_for_dags(airflow, (dag_id,))
        started = time.monotonic()
        airflow.unpause(dag_id)
        run_id = airflow.trigger(dag_id)
        state = "queued"

        def finished() -> bool:
            nonlocal state
            state = airflow.get_run(dag_id, run_id)["state"]
            return state in FINISHED_STATES

        wait_for(f"{dag_id} to finish", finished, DAG_SECONDS, lambda: f"Its state is {state}.")
        tasks = airflow.task_instances(dag_id, run_id)
        failed = next((task for task in tasks if task["state"] == "failed"), None)
        assert state == "success", "\n".join(airflow.task_log(failed)[-25:]) if failed else state
        durations = ", ".join(f"{task['task_id']} {task['duration'] or 0:.0f} s" for task in tasks)
        stack.say(f"{dag_id}: {time.monotonic() - started:.0f} s ({durations})")
        return tasks
