"""What Airflow says of itself, over its public REST API v2."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from pydantic import BaseModel

from infra.exporter.client import BudgetedClient, ReadError, parse

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
MAX_DAGS = 50
"""DAG ids become label values; more than this many would be somebody's accident."""


class _Dag(BaseModel):
    dag_id: str
    is_paused: bool


class _Dags(BaseModel):
    dags: list[_Dag]


class _StateCount(BaseModel):
    state: str
    count: int


class _DagStats(BaseModel):
    dag_id: str
    stats: list[_StateCount]


class _Stats(BaseModel):
    dags: list[_DagStats]


class _Run(BaseModel):
    state: str
    start_date: datetime | None
    end_date: datetime | None


class _Runs(BaseModel):
    dag_runs: list[_Run]


class _Total(BaseModel):
    total_entries: int


class _Token(BaseModel):
    access_token: str


class _Health(BaseModel):
    __pydantic_extra__: dict[str, dict[str, str | None] | None]
    model_config = {"extra": "allow"}


@dataclass(frozen=True)
class Component:
    """One part of Airflow: whether it is healthy, and the age of its last heartbeat in seconds."""

    healthy: bool
    heartbeat_age: float | None


@dataclass(frozen=True)
class DagState:
    """One DAG: its runs counted by state, how the last finished one ended, and when one last succeeded."""

    dag_id: str
    paused: bool
    runs: Mapping[str, int]
    last_succeeded: bool | None = None
    last_duration: float | None = None
    last_success: datetime | None = None


@dataclass
class AirflowReading:
    """One look at Airflow. What could not be read stays empty; `error` then says why."""

    components: dict[str, Component] = field(default_factory=dict)
    dags: list[DagState] = field(default_factory=list)
    import_errors: int | None = None
    error: str | None = None


class AirflowReader:
    """Reads health without login and DAGs with one; logs in again when the token is no longer taken."""

    def __init__(self, client: BudgetedClient, user: str, password: str) -> None:
        self._client = client
        self._login = {"username": user, "password": password}
        self._token: str | None = None

    def read(self) -> AirflowReading:
        """Look once; never raises, and keeps what was read before a failure."""
        reading = AirflowReading()
        self._client.begin()
        try:
            reading.components = self._components()
            reading.import_errors = parse(self._get("/api/v2/importErrors", limit=1), _Total).total_entries
            reading.dags = self._dags()
        except ReadError as error:
            reading.error = str(error)
        return reading

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _components(self) -> dict[str, Component]:
        answer = parse(self._client.request("GET", "/api/v2/monitor/health"), _Health).__pydantic_extra__
        return {name: _component(name, answer.get(name) or {}) for name in COMPONENTS}

    def _dags(self) -> list[DagState]:
        dags = parse(self._get("/api/v2/dags", limit=MAX_DAGS, order_by="dag_id"), _Dags).dags
        ids = [dag.dag_id for dag in dags]
        stats = parse(self._get("/api/v2/dagStats", dag_ids=ids), _Stats).dags if ids else []
        runs = {each.dag_id: {one.state: one.count for one in each.stats} for each in stats}
        return [self._dag(dag, runs.get(dag.dag_id, {})) for dag in dags]

    def _dag(self, dag: _Dag, runs: Mapping[str, int]) -> DagState:
        finished = [state for state in ("success", "failed") if runs.get(state)]
        last = self._last_run(dag.dag_id, finished) if finished else None
        if last is None:
            return DagState(dag.dag_id, dag.is_paused, runs)
        success = last if last.state == "success" else None
        if success is None and runs.get("success"):
            success = self._last_run(dag.dag_id, ["success"])
        duration = (last.end_date - last.start_date).total_seconds() if last.end_date and last.start_date else None
        ended = success.end_date if success else None
        return DagState(dag.dag_id, dag.is_paused, runs, last.state == "success", duration, ended)

    def _last_run(self, dag_id: str, states: list[str]) -> _Run | None:
        response = self._get(f"/api/v2/dags/{dag_id}/dagRuns", state=states, order_by="-end_date", limit=1)
        return next(iter(parse(response, _Runs).dag_runs), None)

    def _get(self, path: str, **params: str | int | list[str]) -> httpx.Response:
        response = self._authorised(path, params)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._token = None
            response = self._authorised(path, params)
        return response

    def _authorised(self, path: str, params: Mapping[str, str | int | list[str]]) -> httpx.Response:
        if self._token is None:
            self._token = parse(self._client.request("POST", "/auth/token", json=self._login), _Token).access_token
        return self._client.request("GET", path, params=params, headers={"Authorization": f"Bearer {self._token}"})


def _component(name: str, answer: Mapping[str, str | None]) -> Component:
    """A component whose status is null was never started, which is not healthy."""
    beat = answer.get(f"latest_{name}_heartbeat")
    age = (datetime.now(UTC) - datetime.fromisoformat(beat)).total_seconds() if beat else None
    return Component(answer.get("status") == "healthy", age)
