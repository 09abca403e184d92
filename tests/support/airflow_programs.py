"""Airflow's programs as the native stack starts them, for tests of what only they do: logs of tasks, for example."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from infra.local.airflow_client import AirflowClient
from infra.local.settings import StackSettings
from infra.local.supervision.probes import free_port, http_probe
from tests.support.airflow_home import ROOT, Airflow

PROGRAMS: Final = (["api-server"], ["scheduler", "--skip-serve-logs"], ["dag-processor"])
START_SECONDS: Final = 300


@contextmanager
def running_airflow(airflow: Airflow) -> Iterator[AirflowClient]:
    """API server, scheduler and DAG processor with the local executor; yields a client of the first."""
    home, port, password = Path(airflow.environment["AIRFLOW_HOME"]), free_port(), secrets.token_urlsafe(12)
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"airflow": password}))
    environment = airflow.environment | {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "airflow:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    }
    with ExitStack() as stack:
        for command in PROGRAMS:
            log = stack.enter_context((home / f"{command[0]}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", *command], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            stack.callback(_end, process)
        is_ready, started = http_probe(f"http://127.0.0.1:{port}/api/v2/version"), time.monotonic()
        while not is_ready(started):
            if time.monotonic() > started + START_SECONDS:
                raise RuntimeError((home / "api-server.log").read_text()[-3000:])
            time.sleep(0.5)
        settings = StackSettings.load(
            _env_file=None, airflow_port=port, airflow_user="airflow", airflow_password=password
        )
        yield stack.enter_context(AirflowClient(settings))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
