"""Starts the MLflow server of the compose project: log in, migrate, then become the server.

The password comes from a file, so it is in no image, no ``docker inspect`` and no process list.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import psycopg2

HOST, DATABASE, ROLE = "mlflow-postgres", "mlflowdb", "mlflow"
DATABASE_URL = f"postgresql+psycopg2://{ROLE}@{HOST}:5432/{DATABASE}"
SECRET = Path("/run/secrets/mlflow_db_password")

log = logging.getLogger("mlflow-server")


def main() -> int:
    """Become the server, or return 1 after one sentence that says what keeps it from starting."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    fault = _log_in() or _migrate()
    if fault is None:
        _become_server()
    log.error("%s", fault)
    return 1


def _log_in() -> str | None:
    """Try the password, and leave it where the driver finds it: addresses stay fit for logs and process lists."""
    try:
        os.environ["PGPASSWORD"] = SECRET.read_text().strip()
        psycopg2.connect(host=HOST, dbname=DATABASE, user=ROLE, connect_timeout=10).close()
    except OSError:
        return "The secret mlflow_db_password is missing: run 'docker compose up -d', which generates it."
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            return (
                "PostgreSQL refuses mlflow_db_password: it was changed or lost after the database was made; "
                "restore it, or start afresh with 'docker compose down -v'."
            )
        return f"The MLflow database does not answer: {str(error).strip().splitlines()[0]}."
    return None


def _migrate() -> str | None:
    """Bring the database to this version's schema; the many lines of it are shown only when it fails."""
    done = subprocess.run(["mlflow", "db", "upgrade", DATABASE_URL], capture_output=True, text=True, check=False)
    if not done.returncode:
        return None
    log.error("%s", done.stderr[-4000:])
    return "The MLflow database could not be migrated: the lines above say why."


def _become_server() -> NoReturn:
    os.environ["MLFLOW_BACKEND_STORE_URI"] = DATABASE_URL
    os.umask(0o002)  # artifacts stay writable for the group, whichever user the server runs as next time
    command = ["mlflow", "server", "--uvicorn-opts", "--log-level warning --no-access-log"]
    os.execvp(command[0], command)  # noqa: S606 - a list of our own, no shell wanted


if __name__ == "__main__":
    sys.exit(main())
