"""The running platform as the drills see it: what can be broken, and what is then told."""

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
from infra.local.dag_runs import ENDED, wait_until_known
from infra.local.demo import present_run
from infra.local.programs.stack import main_postgres
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.supervisor import Supervisor
from tests.support.alerting import Alerting
from tests.support.native import NativeStack
from tests.support.prometheus import Prometheus

HOME: Final = Path("build/observability")
TOLD_SECONDS: Final = 180
"""Longer than any hurried alert takes to begin and to be told."""
RUN_SECONDS: Final = 300


@dataclass(frozen=True)
class Platform:
    """The stack, and those who watch it."""

    native: NativeStack
    prometheus: Prometheus
    alerting: Alerting
    data: Path
    begun: float
    """Seconds of the epoch since when Prometheus has watched."""

    @property
    def settings(self) -> StackSettings:
        """The stack's own."""
        fields = {name: value for name in StackSettings.model_fields if (value := self._variable(name)) is not None}
        return StackSettings.load(_env_file=None, **fields)

    @property
    def supervisor(self) -> Supervisor:
        """What runs its programs."""
        return Supervisor(self.settings.places)

    @property
    def artifacts(self) -> Path:
        """Where MLflow keeps files."""
        return ROOT / self.settings.mlflow_artifacts_dir

    def kill(self, program: str) -> None:
        """End a program at once, and keep it from being started again."""
        os.kill(self.supervisor.states()[program].pid, signal.SIGKILL)
        self.supervisor.stop([program])

    def start(self, program: str) -> None:
        """Start a program again."""
        self.supervisor.start(program)

    def run_dag(self, dag_id: str) -> str:
        """Let a DAG run through Airflow; how it ended."""
        with AirflowClient(self.settings) as airflow:
            wait_until_known(airflow, (dag_id,))
            run_id = present_run(airflow, dag_id)
            _wait(lambda: airflow.run(dag_id, run_id)["state"] in ENDED, RUN_SECONDS)
            return str(airflow.run(dag_id, run_id)["state"])

    def predict(self, record: dict[str, Any]) -> int:
        """Ask as an ordinary client; the status."""
        answer = httpx.post(f"{self.native.url(8000)}/predict", json={"records": [record]}, timeout=30)
        return answer.status_code

    def is_ready(self) -> bool:
        """Whether the API has a model."""
        try:
            return httpx.get(f"{self.native.url(8000)}/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def served(self) -> Any:
        """The version that answers."""
        return httpx.get(f"{self.native.url(8000)}/model", timeout=5).json().get("version")

    def monitor(self) -> None:
        """Look for drift in what was logged, as monitor_diabetes does daily; the log has a moment to be written."""
        time.sleep(2)
        done = self.native.run(".venv/bin/python -m ml monitor", 180)
        assert done.returncode == 0, done.stdout + done.stderr

    def simulate(self) -> None:
        """Replace the prediction log by simulated months of traffic with outcomes."""
        self.forget_predictions()
        done = self.native.run(".venv/bin/python -m ml simulate --records 700 --days 120", 180)
        assert done.returncode == 0, done.stdout + done.stderr

    def forget_predictions(self) -> None:
        """Empty the prediction log."""
        with closing(main_postgres(self.settings).connect("diabetes")) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM predictions")

    def fires(self, *alerts: str) -> None:
        """Return when the alerts fire, and have been told."""
        _wait(lambda: set(alerts) <= self.prometheus.firing())
        _wait(lambda: set(alerts) <= self.alerting.told("firing"))

    def ends(self, *alerts: str) -> None:
        """Return when none of the alerts fires, and their end has been told."""
        _wait(lambda: self.prometheus.firing().isdisjoint(alerts))
        _wait(lambda: set(alerts) <= self.alerting.told("resolved"))

    def _variable(self, name: str) -> str | None:
        value = self.native.environment.get(name.upper())
        return None if name == "data_file" else value


def _wait(happened: Callable[[], bool], seconds: float = TOLD_SECONDS) -> None:
    """Look every half second: this machine has other things to do meanwhile."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {seconds:.0f} seconds"
        time.sleep(0.5)
