"""Command, environment and readiness path of an MLflow server, for the native stack and the tests.

``python -m infra.local.programs.mlflow_server`` migrates the server's database. It is ``mlflow db upgrade`` with the
database URL from the environment, because every user of the machine can read a command line and the password in it.
"""

import os
from pathlib import Path

from infra.local.programs.environment import TELEMETRY_OFF
from infra.local.settings import python_module
from infra.mlflow_access import mlflow_access

READY_PATH = "/api/2.0/mlflow/registered-models/search?max_results=1"
"""A request that reads the database, unlike /health."""


def mlflow_command() -> list[str]:
    """Command line of the server, whose settings are in its environment."""
    return python_module("mlflow", "server")


def mlflow_environment(artifacts: Path, host: str, port: int, allowed_hosts: str = "") -> dict[str, str]:
    """Variables of a server that serves its artifacts itself; ``MLFLOW_BACKEND_STORE_URI`` has to be added."""
    return {
        **TELEMETRY_OFF,
        **mlflow_access(f"{allowed_hosts},{host}"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(artifacts.resolve()),
        "MLFLOW_SERVE_ARTIFACTS": "true",
        "MLFLOW_HOST": host,
        "MLFLOW_PORT": str(port),
        "MLFLOW_WORKERS": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes that this platform does not use
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    }


if __name__ == "__main__":
    from mlflow.db import commands

    commands.main(["upgrade", os.environ["MLFLOW_BACKEND_STORE_URI"]])
