"""How an MLflow server is started: one place for the native stack and the tests.

``python -m infra.local.programs.mlflow_server`` brings the server's database to this version's schema, from any
earlier one or from none. It is ``mlflow db upgrade`` with the database's address taken from the environment, since a
command line, and the password in it, can be read by everyone on the machine.
"""

import os
import sys
from pathlib import Path

import httpx


def mlflow_command() -> list[str]:
    """The command line of the server; all else is told by `mlflow_environment`."""
    return [sys.executable, "-m", "mlflow", "server"]


def mlflow_environment(artifacts: Path, host: str, port: int) -> dict[str, str]:
    """Variables of a server that hands out its artifacts itself; ``MLFLOW_BACKEND_STORE_URI`` comes on top."""
    return {
        "MLFLOW_ARTIFACTS_DESTINATION": str(artifacts.resolve()),
        "MLFLOW_SERVE_ARTIFACTS": "true",
        "MLFLOW_HOST": host,
        "MLFLOW_PORT": str(port),
        "MLFLOW_WORKERS": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes that this platform does not use
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    }


def mlflow_is_ready(url: str) -> bool:
    """Whether the server answers a read that needs its database (its /health does not)."""
    try:
        answer = httpx.get(f"{url}/api/2.0/mlflow/registered-models/search", params={"max_results": 1}, timeout=5)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK


def upgrade() -> None:
    """Run ``mlflow db upgrade`` in this process."""
    from mlflow.db import commands

    commands.main(["upgrade", os.environ["MLFLOW_BACKEND_STORE_URI"]])


if __name__ == "__main__":
    upgrade()
