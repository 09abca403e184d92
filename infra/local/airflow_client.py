"""Client of Airflow's REST API."""

from typing import Any, Self

import httpx

from infra.local.errors import StackError
from infra.local.settings import StackSettings


class AirflowClient(httpx.Client):
    """Logs in when it is entered; every method raises `StackError` when Airflow cannot be reached or refuses."""

    def __init__(self, settings: StackSettings) -> None:
        super().__init__(base_url=settings.url(settings.airflow_port), timeout=30)
        self._login = {"username": settings.airflow_user, "password": settings.airflow_password.get_secret_value()}

    def __enter__(self) -> Self:
        super().__enter__()
        token = self._call("POST", "/auth/token", json=self._login)["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"
        return self

    def has_dag(self, dag_id: str) -> bool:
        """Whether Airflow has parsed the DAG."""
        return self.get(f"/api/v2/dags/{dag_id}").status_code == httpx.codes.OK

    def unpause(self, dag_id: str) -> None:
        """Enable the DAG."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", json={"is_paused": False})

    def trigger(self, dag_id: str) -> str:
        """Start a run; returns its id."""
        run = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": {}})
        return str(run["dag_run_id"])

    def get_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        return self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def latest_runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the latest runs, newest first."""
        runs: list[dict[str, Any]] = self._call(
            "GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 5}
        )["dag_runs"]
        return runs

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        tasks: list[dict[str, Any]] = self._call("GET", path)["task_instances"]
        return tasks

    def task_log(self, task: dict[str, Any]) -> list[str]:
        """Return the log lines of a task's last try."""
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}/logs"
        content = self._call(
            "GET",
            f"{path}/{task['try_number']}",
            params={"map_index": task["map_index"], "full_content": True},
            headers={"Accept": "application/json"},
        )["content"]
        return [line for entry in content for line in _lines(entry)]

    def import_errors(self) -> list[str]:
        """Return the DAG files that cannot be imported, each with the last line of its traceback."""
        errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            response = self.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise StackError(f"Airflow does not answer ({error}): make doctor shows the reason.") from None
        if response.is_error:
            raise StackError(
                f"Airflow refuses {method} {path.partition('?')[0]}: {response.status_code} {response.text[:200]}"
            )
        body: dict[str, Any] = response.json()
        return body


def _lines(entry: dict[str, Any] | str) -> list[str]:
    if isinstance(entry, str):
        return entry.splitlines()
    lines = str(entry.get("event", "")).splitlines()
    for detail in entry.get("error_detail") or []:
        lines.append(f"{detail.get('exc_type')}: {detail.get('exc_value')}")
    return lines
