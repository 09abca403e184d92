"""Airflow: how it is, starting DAGs and seeing what became of them, by its REST interface."""

from datetime import datetime
from threading import Lock
from typing import Any, Final

import httpx
from pydantic import AliasChoices, Field

from ui.clients.connection import A, Connection
from ui.clients.errors import Answer, Refused, Service

SUCCESS: Final = "success"
FAILED: Final = "failed"


class DagRun(Answer):
    """One run of a DAG."""

    dag_id: str
    dag_run_id: str
    state: str
    start_date: datetime | None = None
    end_date: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (SUCCESS, FAILED)


class Task(Answer):
    """One step of a run."""

    task_id: str
    state: str | None = None


class Part(Answer):
    """One part of Airflow; a status of None means that it was never started."""

    status: str | None = None
    heartbeat: datetime | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "latest_scheduler_heartbeat", "latest_dag_processor_heartbeat", "latest_triggerer_heartbeat"
        ),
    )

    @property
    def is_healthy(self) -> bool:
        """Whether Airflow calls it so."""
        return self.status == "healthy"


class AirflowHealth(Answer):
    """What Airflow says of its parts, to anyone who asks."""

    metadatabase: Part
    scheduler: Part
    dag_processor: Part | None = None
    triggerer: Part | None = None


class _Token(Answer):
    access_token: str


class _Runs(Answer):
    dag_runs: tuple[DagRun, ...]


class _Tasks(Answer):
    task_instances: tuple[Task, ...]


class AirflowClient(Connection):
    """Logs in when it has to, and keeps its token while Airflow takes it."""

    def __init__(
        self, url: str, timeout: float, user: str, password: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(Service.AIRFLOW, url, timeout, transport=transport)
        self._login, self._token, self._logging_in = {"username": user, "password": password}, "", Lock()

    def health(self) -> AirflowHealth:
        """How its parts are; needs no login."""
        return self.read(AirflowHealth, "GET", "/api/v2/monitor/health")

    def switch_on(self, dag: str) -> None:
        """Let a DAG run: what is paused is scheduled, but never starts."""
        self._authorised(Answer, "PATCH", f"/api/v2/dags/{dag}", params={"update_mask": "is_paused"}, json=_ON)

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> DagRun:
        """Switch a DAG on and start a run of it."""
        self.switch_on(dag)
        body = {"logical_date": None, "conf": conf or {}}
        return self._authorised(DagRun, "POST", f"/api/v2/dags/{dag}/dagRuns", json=body)

    def run(self, dag: str, run: str) -> DagRun:
        """What became of a run."""
        return self._authorised(DagRun, "GET", f"/api/v2/dags/{dag}/dagRuns/{run}")

    def newest_runs(self, dag: str, most: int = 5) -> tuple[DagRun, ...]:
        """The latest runs, the newest first."""
        asked = {"order_by": "-run_after", "limit": most}
        return self._authorised(_Runs, "GET", f"/api/v2/dags/{dag}/dagRuns", params=asked).dag_runs

    def tasks(self, dag: str, run: str) -> tuple[Task, ...]:
        """The steps of a run."""
        return self._authorised(_Tasks, "GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances").task_instances

    def _authorised(self, kind: type[A], method: str, path: str, **more: Any) -> A:
        token = self._token
        if token:
            try:
                return self.read(kind, method, path, headers={"Authorization": f"Bearer {token}"}, **more)
            except Refused as refused:
                if refused.status != httpx.codes.UNAUTHORIZED:
                    raise
        with self._logging_in:  # several sessions share the client: one login serves them all
            if self._token == token:
                self._token = self.read(_Token, "POST", "/auth/token", json=self._login).access_token
        return self.read(kind, method, path, headers={"Authorization": f"Bearer {self._token}"}, **more)


_ON: Final = {"is_paused": False}
