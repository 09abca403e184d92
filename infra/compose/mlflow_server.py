"""Starts the MLflow server: checks the login, migrates the database, and replaces itself by the server.

The password comes from a file, so that no image, ``docker inspect`` or process list contains it.
"""

import os
import subprocess
import sys
from pathlib import Path

from infra.compose.startup import log_in, migrate, run
from infra.mlflow_access import mlflow_access

HOST, DATABASE, ROLE = "mlflow-postgres", "mlflowdb", "mlflow"
DATABASE_URL = f"postgresql+psycopg2://{ROLE}@{HOST}:5432/{DATABASE}"
SECRET = Path("/run/secrets/mlflow_db_password")


def main() -> None:
    """Start the cleanup beside the server, and replace this process by the server."""
    os.environ["PGPASSWORD"] = log_in(HOST, DATABASE, ROLE, SECRET)  # so the URL, which is logged, has no password
    migrate("MLflow", ["mlflow", "db", "upgrade", DATABASE_URL])
    os.environ["MLFLOW_BACKEND_STORE_URI"] = DATABASE_URL
    os.environ.update(mlflow_access(os.environ.get("MLFLOW_ALLOWED_HOSTS", "")))
    os.umask(0o002)  # another user of group 0 can write the artifacts later
    cleanup = [sys.executable, "-m", "infra.mlflow_cleanup"]
    subprocess.Popen(cleanup, env=os.environ | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{os.environ['MLFLOW_PORT']}"})
    command = ["mlflow", "server", "--uvicorn-opts", "--log-level warning --no-access-log"]
    os.execvp(command[0], command)  # noqa: S606 - no shell is needed


if __name__ == "__main__":
    sys.exit(run(main))
