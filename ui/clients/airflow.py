"""Client of Airflow's REST API: health, and runs of DAGs."""

from datetime import datetime
from threading import Lock
from typing import Any, Final

import httpx
from pydantic import AliasChoices, Field

from ui.clients.connection import Connection, T
from ui.clients.errors import Rejected, ResponseModel, Service

SUCCESS: Final = "success"
FAILED: Final = "failed"


class DagRun(ResponseModel):
    """A run of a DAG."""

    dag_id: str
    dag_run_id: str
    state: str
    start_date: datetime | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has succeeded or failed."""
        return self.state in (SUCCESS, FAILED)


class TaskInstance(ResponseModel):
    """A task of a run."""

    task_id: str
    state: str | None = None


class ComponentHealth(ResponseModel):
    """Health of one component of Airflow; a status of None means that it was never started."""

    status: str | None = None
    heartbeat: datetime | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "latest_scheduler_heartbeat", "latest_dag_processor_heartbeat", "latest_triggerer_heartbeat"
        ),
    )

    @property
    def is_healthy(self) -> bool:
        """Whether its status is healthy."""
        return self.status == "healthy"


class AirflowHealth(ResponseModel):
    """Health of the components that a run needs."""

    metadatabase: ComponentHealth
    scheduler: ComponentHealth
    dag_processor: ComponentHealth | None = None


class AirflowClient(Connection):
    """Logs in on demand and keeps its token while Airflow accepts it."""

    def __init__(
        self, url: str, timeout: float, user: str, password: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(Service.AIRFLOW, url, timeout, transport=transport)
        self._credentials, self._token, self._login_lock = {"username": user, "password": password}, "", Lock()

    def health(self) -> AirflowHealth:
        """Health of the components; requires no login."""
        return self.fetch(AirflowHealth, "GET", "/api/v2/monitor/health")

    def unpause(self, dag: str) -> None:
        """Unpause a DAG: runs of a paused DAG are queued and never start."""
        options = {"params": {"update_mask": "is_paused"}, "json": {"is_paused": False}}
        self._authorised(ResponseModel, "PATCH", f"/api/v2/dags/{dag}", **options)

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> DagRun:
        """Unpause a DAG and start a run."""
        self.unpause(dag)
        body = {"logical_date": None, "conf": conf or {}}
        return self._authorised(DagRun, "POST", f"/api/v2/dags/{dag}/dagRuns", json=body)

    def run(self, dag: str, run_id: str) -> DagRun:
        """A run by its id."""
        return self._authorised(DagRun, "GET", f"/api/v2/dags/{dag}/dagRuns/{run_id}")

    def latest_runs(self, dag: str, limit: int = 5) -> tuple[DagRun, ...]:
        """The latest runs, newest first."""
        params = {"order_by": "-run_after", "limit": limit}
        path = f"/api/v2/dags/{dag}/dagRuns"
        return self._authorised(tuple[DagRun, ...], "GET", path, key="dag_runs", params=params)

    def tasks(self, dag: str, run_id: str) -> tuple[TaskInstance, ...]:
        """The tasks of a run."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances"
        return self._authorised(tuple[TaskInstance, ...], "GET", path, key="task_instances")

    def _authorised(self, kind: type[T], method: str, path: str, **options: Any) -> T:
        token = self._token
        if token:
            try:
                return self.fetch(kind, method, path, headers={"Authorization": f"Bearer {token}"}, **options)
            except Rejected as error:
                if error.status != httpx.codes.UNAUTHORIZED:
                    raise
        with self._login_lock:  # sessions share the client: one login is enough
            if self._token == token:
                self._token = self.fetch(str, "POST", "/auth/token", key="access_token", json=self._credentials)
        return self.fetch(kind, method, path, headers={"Authorization": f"Bearer {self._token}"}, **options)
