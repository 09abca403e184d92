"""Airflow's REST API, as far as the demo and the doctor need it."""

from types import TracebackType
from typing import Any, Self

import httpx

from infra.local.errors import StackError
from infra.local.settings import StackSettings


class AirflowClient:
    """A logged-in client; every fault is a `StackError` of one sentence."""

    def __init__(self, settings: StackSettings) -> None:
        self._http = httpx.Client(base_url=settings.url(settings.airflow_port), timeout=30)
        login = {"username": settings.airflow_user, "password": settings.airflow_password.get_secret_value()}
        token = self._call("POST", "/auth/token", json=login)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def knows(self, dag_id: str) -> bool:
        """Whether the DAG's file has been read."""
        return self._http.get(f"/api/v2/dags/{dag_id}").status_code == httpx.codes.OK

    def unpause(self, dag_id: str) -> None:
        """Let the DAG run."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}?update_mask=is_paused", json={"is_paused": False})

    def trigger(self, dag_id: str) -> str:
        """Start a run; returns its id."""
        run = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": {}})
        return str(run["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run, with its state."""
        return self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def newest_runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The latest runs, the newest first."""
        listed: list[dict[str, Any]] = self._call(
            "GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 5}
        )["dag_runs"]
        return listed

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        listed: list[dict[str, Any]] = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")[
            "task_instances"
        ]
        return listed

    def task_log(self, task: dict[str, Any]) -> list[str]:
        """The messages of a task's last try."""
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}/logs"
        content = self._call(
            "GET",
            f"{path}/{task['try_number']}",
            params={"map_index": task["map_index"], "full_content": True},
            headers={"Accept": "application/json"},
        )["content"]
        return [line for entry in content for line in _lines(entry)]

    def import_errors(self) -> list[str]:
        """What keeps a DAG file from being read: the file and the last line of its traceback."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise StackError(f"Airflow does not answer ({error}): make doctor looks why.") from None
        if answer.is_error:
            raise StackError(
                f"Airflow refuses {method} {path.partition('?')[0]}: {answer.status_code} {answer.text[:200]}"
            )
        answered: dict[str, Any] = answer.json()
        return answered


def _lines(entry: dict[str, Any] | str) -> list[str]:
    """A structured message as lines, its exception included."""
    if isinstance(entry, str):
        return entry.splitlines()
    lines = str(entry.get("event", "")).splitlines()
    for detail in entry.get("error_detail") or []:
        lines.append(f"{detail.get('exc_type')}: {detail.get('exc_value')}")
    return lines
