"""Airflow's REST interface as far as the interface uses it: DAGs whose runs go on by one state with every look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_COURSE: Final = ("queued", "running", "running")


@dataclass
class DagServer:
    """Answers by method and path; a test says how the runs end and what goes wrong."""

    password: str = "secret"
    token: str = "a token"
    ends: Mapping[str, str] = field(default_factory=dict)
    """State in which the runs of a DAG end; ``success`` where nothing is said."""
    starts_by_itself: set[str] = field(default_factory=set)
    """DAGs of which a run begins as soon as they are switched on."""
    failures_while_following: int = 0
    logins: int = 0
    switched_on: list[str] = field(default_factory=list)
    triggered: list[tuple[str, Any]] = field(default_factory=list)
    looks: dict[str, int] = field(default_factory=dict)
    """By DAG that has a run: how often it was looked at."""

    def answer(self, method: str, path: str, body: Any, authorisation: str) -> tuple[int, Any]:
        """Status and body."""
        if path == "/auth/token":
            self.logins += 1
            if body["password"] != self.password:
                return 401, {"detail": "Invalid credentials"}
            return 201, {"access_token": self.token}
        if authorisation != f"Bearer {self.token}":
            return 401, {"detail": "Invalid JWT token"}
        _empty, _api, _version, _dags, dag, *rest = path.split("/")
        return self._of_dag(method, dag, rest, body)

    def _of_dag(self, method: str, dag: str, rest: list[str], body: Any) -> tuple[int, Any]:
        match method, rest:
            case "PATCH", []:
                self.switched_on.append(dag)
                if dag in self.starts_by_itself:
                    self.looks.setdefault(dag, 0)
                return 200, {"dag_id": dag, "is_paused": False}
            case "POST", ["dagRuns"]:
                self.triggered.append((dag, body))
                self.looks[dag] = 0
                return 200, self._run(dag)
            case "GET", ["dagRuns"]:
                return 200, {"dag_runs": [self._run(dag)] if dag in self.looks else [], "total_entries": 1}
            case "GET", ["dagRuns", _run_id]:
                if self.failures_while_following:
                    self.failures_while_following -= 1
                    return 502, {}
                self.looks[dag] += 1
                return 200, self._run(dag)
            case "GET", ["dagRuns", _run_id, "taskInstances"]:
                tasks = [("download_data", "success"), ("load_raw_data", "failed")]
                return 200, {"task_instances": [{"task_id": task, "state": state} for task, state in tasks]}
        return 404, {"detail": "Not Found"}

    def _run(self, dag: str) -> dict[str, Any]:
        seen = self.looks[dag]
        state = _COURSE[seen] if seen < len(_COURSE) else self.ends.get(dag, "success")
        return {"dag_id": dag, "dag_run_id": f"run-of-{dag}", "state": state, "start_date": "2026-05-04T02:11:09Z"}
