"""The running platform: faults that a drill can cause, and waits for the alerts that follow."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import FINISHED_STATES, wait_for_dags
from infra.local.demo import current_run
from infra.local.postgres.servers import main_postgres
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.supervisor import Supervisor
from tests.support.alerting import Alerting
from tests.support.native import NativeStack
from tests.support.prometheus import Prometheus

HOME: Final = Path("build/observability")
ALERT_SECONDS: Final = 180
"""More than any alert with shortened durations takes to be notified."""
RUN_SECONDS: Final = 300


@dataclass(frozen=True)
class Platform:
    """The stack, and the Prometheus and Alertmanager of the tests."""

    native: NativeStack
    prometheus: Prometheus
    alerting: Alerting
    data: Path
    started: float
    """Start of Prometheus, in seconds of the epoch."""

    @property
    def settings(self) -> StackSettings:
        """Settings of the stack."""
        fields = {name: value for name in StackSettings.model_fields if (value := self._variable(name)) is not None}
        return StackSettings.load(_env_file=None, **fields)

    @property
    def supervisor(self) -> Supervisor:
        """Supervisor of its programs."""
        return Supervisor(self.settings.paths)

    @property
    def artifacts(self) -> Path:
        """MLflow's artifact root."""
        return ROOT / self.settings.mlflow_artifacts_dir

    def kill(self, program: str) -> None:
        """Kill a program and prevent its restart."""
        os.kill(self.supervisor.states()[program].pid, signal.SIGKILL)
        self.supervisor.stop([program])

    def start(self, program: str) -> None:
        """Start a killed program."""
        self.supervisor.start(program)

    def run_dag(self, dag_id: str) -> str:
        """Run a DAG in Airflow; returns its final state."""
        with AirflowClient(self.settings) as airflow:
            wait_for_dags(airflow, (dag_id,))
            run_id = current_run(airflow, dag_id)
            _wait(lambda: airflow.get_run(dag_id, run_id)["state"] in FINISHED_STATES, RUN_SECONDS)
            return str(airflow.get_run(dag_id, run_id)["state"])

    def predict(self, record: dict[str, Any]) -> int:
        """Request a prediction; returns the HTTP status."""
        response = httpx.post(f"{self.native.url(8000)}/predict", json={"records": [record]}, timeout=30)
        return response.status_code

    def is_ready(self) -> bool:
        """Whether the API has a model."""
        try:
            return httpx.get(f"{self.native.url(8000)}/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def served(self) -> Any:
        """The served version."""
        return httpx.get(f"{self.native.url(8000)}/model", timeout=5).json().get("version")

    def monitor(self) -> None:
        """Run the monitoring of monitor_diabetes on the prediction log."""
        time.sleep(2)  # the API writes its log in batches
        done = self.native.run(".venv/bin/python -m ml monitor", 180)
        assert done.returncode == 0, done.stdout + done.stderr

    def simulate(self) -> None:
        """Replace the prediction log by simulated months of traffic with outcomes."""
        self.delete_predictions()
        done = self.native.run(".venv/bin/python -m ml simulate --records 700 --days 120", 180)
        assert done.returncode == 0, done.stdout + done.stderr

    def delete_predictions(self) -> None:
        """Delete all logged predictions."""
        with closing(main_postgres(self.settings).connect("diabetes")) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM predictions")

    def wait_for_firing(self, *alerts: str) -> None:
        """Wait until the alerts fire and are notified."""
        _wait(lambda: set(alerts) <= self.prometheus.firing())
        _wait(lambda: set(alerts) <= self.alerting.notified("firing"))

    def wait_for_resolved(self, *alerts: str) -> None:
        """Wait until none of the alerts fires and their resolution is notified."""
        _wait(lambda: self.prometheus.firing().isdisjoint(alerts))
        _wait(lambda: set(alerts) <= self.alerting.notified("resolved"))

    def _variable(self, name: str) -> str | None:
        value = self.native.environment.get(name.upper())
        return None if name == "data_file" else value


def _wait(condition: Callable[[], bool], seconds: float = ALERT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} seconds"
        time.sleep(0.5)
