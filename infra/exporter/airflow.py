"""Reads health, DAGs and DAG runs from Airflow's REST API v2."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from infra.exporter.client import BudgetedClient
from infra.exporter.metrics import Metrics

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
TASK_STATES = ("queued", "running")
MAX_DAGS = 50
"""DAG ids are label values, so their number is bounded."""


class AirflowReader:
    """Reads health without a login and DAGs with a token, which is renewed when Airflow rejects it."""

    def __init__(self, client: BudgetedClient, user: str, password: str) -> None:
        self._client = client
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def read(self, metrics: Metrics) -> None:
        """Set the metrics of Airflow; those set before a failure stay."""
        metrics.set("airflow_up", 0)
        self._client.begin()
        health = self._client.json("GET", "/api/v2/monitor/health")
        metrics.set("airflow_up", 1)
        for name in COMPONENTS:
            _set_component(metrics, name, health.get(name) or {})
        metrics.set("airflow_import_errors", self._get("/api/v2/importErrors", limit=1)["total_entries"])
        pools = self._get("/api/v2/pools")["pools"]
        for state in TASK_STATES:
            metrics.set("airflow_tasks", sum(pool[f"{state}_slots"] for pool in pools), state)
        dags = self._get("/api/v2/dags", limit=MAX_DAGS, order_by="dag_id")["dags"]
        if dags:
            stats = self._get("/api/v2/dagStats", dag_ids=[dag["dag_id"] for dag in dags])["dags"]
            runs = {dag["dag_id"]: {each["state"]: each["count"] for each in dag["stats"]} for dag in stats}
            for dag in dags:
                metrics.set("airflow_dag_paused", dag["is_paused"], dag["dag_id"])
                self._read_runs(metrics, dag["dag_id"], runs.get(dag["dag_id"], {}))

    def _read_runs(self, metrics: Metrics, dag_id: str, counts: Mapping[str, int]) -> None:
        for state, count in counts.items():
            metrics.set("airflow_dag_runs", count, dag_id, state)
        last = self._last_run(dag_id, [state for state in ("success", "failed") if counts.get(state)])
        if last is None:
            return
        succeeded = last["state"] == "success"
        success = last if succeeded else self._last_run(dag_id, ["success"] if counts.get("success") else [])
        start, end = _timestamp(last["start_date"]), _timestamp(last["end_date"])
        success_end = _timestamp(success["end_date"]) if success else None
        metrics.set("airflow_dag_last_run_success", succeeded, dag_id)
        metrics.set("airflow_dag_last_run_duration_seconds", end - start if start and end else None, dag_id)
        metrics.set("airflow_dag_last_success_timestamp_seconds", success_end, dag_id)

    def _last_run(self, dag_id: str, states: list[str]) -> dict[str, Any] | None:
        if not states:
            return None
        runs = self._get(f"/api/v2/dags/{dag_id}/dagRuns", state=states, order_by="-end_date", limit=1)["dag_runs"]
        return next(iter(runs), None)

    def _get(self, path: str, **params: str | int | list[str]) -> Any:
        try:
            return self._authorised(path, params)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.UNAUTHORIZED or self._token is None:
                raise
        self._token = None
        return self._authorised(path, params)

    def _authorised(self, path: str, params: Mapping[str, str | int | list[str]]) -> Any:
        if self._token is None:
            self._token = self._client.json("POST", "/auth/token", json=self._login)["access_token"]
        return self._client.json("GET", path, params=params, headers={"Authorization": f"Bearer {self._token}"})


def _set_component(metrics: Metrics, name: str, health: Mapping[str, str | None]) -> None:
    """Set the metrics of a component; the status of one that never started is null, which is not healthy."""
    metrics.set("airflow_component_healthy", health.get("status") == "healthy", name)
    heartbeat = _timestamp(health.get(f"latest_{name}_heartbeat"))
    age = datetime.now(UTC).timestamp() - heartbeat if heartbeat else None
    metrics.set("airflow_component_heartbeat_age_seconds", age, name)


def _timestamp(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
