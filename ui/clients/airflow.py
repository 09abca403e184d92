"""Airflow: starting DAGs and seeing what became of them, by its REST interface."""

from datetime import datetime
from typing import Any

import httpx

from ui.clients.connection import Connection
from ui.clients.faults import Answer, Refused, Service


class DagRun(Answer):
    """One run of a DAG."""

    dag_id: str
    dag_run_id: str
    state: str
    start_date: datetime | None = None
    end_date: datetime | None = None


class _Token(Answer):
    access_token: str


class AirflowClient(Connection):
    """Logs in when it has to, and keeps its token while Airflow takes it."""

    def __init__(
        self, url: str, timeout: float, user: str, password: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(Service.AIRFLOW, url, timeout, transport=transport)
        self._login, self._token = {"username": user, "password": password}, ""

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> DagRun:
        """Switch a DAG on and start a run of it."""
        self._authorised("PATCH", f"/api/v2/dags/{dag}", json={"is_paused": False})
        body = {"logical_date": None, "conf": conf or {}}
        return DagRun.model_validate_json(self._authorised("POST", f"/api/v2/dags/{dag}/dagRuns", json=body).content)

    def run(self, dag: str, run: str) -> DagRun:
        """What became of a run."""
        return DagRun.model_validate_json(self._authorised("GET", f"/api/v2/dags/{dag}/dagRuns/{run}").content)

    def _authorised(self, method: str, path: str, **more: Any) -> httpx.Response:
        if self._token:
            try:
                return self.send(method, path, headers={"Authorization": f"Bearer {self._token}"}, **more)
            except Refused as refused:
                if refused.status != httpx.codes.UNAUTHORIZED:
                    raise
        self._token = self.read(_Token, "POST", "/auth/token", json=self._login).access_token
        return self.send(method, path, headers={"Authorization": f"Bearer {self._token}"}, **more)
