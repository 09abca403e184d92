"""The databases: clusters, roles, schemas. All of it may run again at any time and then changes nothing."""

import importlib.metadata
import json
import os
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import StackError
from infra.local.programs.airflow import airflow_environment, airflow_secrets
from infra.local.programs.environment import shared_environment, without_settings
from infra.local.programs.stack import main_postgres, mlflow_database_secret, mlflow_postgres
from infra.local.settings import ROOT, StackSettings, python_module
from infra.local.supervision.launch import environment_of
from infra.secrets.generate import generate, missing

PACKAGES = ("apache-airflow-core", "mlflow")
REPLACEABLE = frozenset({"prediction_log_key"})
"""Secrets that no database was made with: a new one only ends what the old one joined."""


def prepare_secrets(settings: StackSettings) -> None:
    """Create the secrets at the first start; later, a missing one is a fault that only its owner can mend.

    Raises:
        StackError: naming the secret that is missing beside databases that were made with it.
    """
    places = settings.places
    absent = [name for name in missing(places.secrets) if name not in REPLACEABLE]
    if absent and any((places.postgres / name / "PG_VERSION").exists() for name in ("main", "mlflow")):
        raise StackError(
            f"Secret {absent[0]} is missing though the databases were made with it: put the file back into "
            f"{places.secrets}, or begin afresh with make clean."
        )
    generate(places.secrets)


def initialise_clusters(settings: StackSettings) -> None:
    """Make the data directories of both servers, at the same time."""
    servers = (main_postgres(settings), mlflow_postgres(settings))
    if not all(server.initialised for server in servers):
        _stamp(settings).unlink(missing_ok=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: server.initialise(), servers))


def create_databases(settings: StackSettings) -> None:
    """Make roles and databases on the running servers; passwords are set to those in the secret files."""

    def secret(name: str) -> str:
        return (settings.places.secrets / name).read_text().strip()

    main, mlflow = main_postgres(settings), mlflow_postgres(settings)
    main.ensure_database("airflow", "airflow", secret("airflow_db_password"))
    main.ensure_database(settings.diabetes_db_name, settings.diabetes_db_user, secret("diabetes_db_password"))
    main.ensure_monitor(secret("postgres_monitor_password"))
    mlflow.ensure_database("mlflowdb", "mlflow", secret("mlflow_db_password"))
    mlflow.ensure_monitor(secret("mlflow_postgres_monitor_password"))


@dataclass(frozen=True)
class Migration:
    """A command that brings a database to the schema of the installed version."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    secret_environment: Mapping[str, str]


def migrate(settings: StackSettings) -> None:
    """Run the migrations, at the same time; those of installed packages only when a version has changed."""
    shared = shared_environment(settings)
    pending = [Migration("migrate-diabetes", python_module("ml", "migrate"), shared, {})]
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    stamp = _stamp(settings)
    current = stamp.exists() and json.loads(stamp.read_text()) == versions
    if not current:
        pending += [
            Migration(
                "migrate-airflow",
                python_module("airflow", "db", "migrate"),
                airflow_environment(settings),
                airflow_secrets(settings, signs_tokens=False),
            ),
            Migration(
                "migrate-mlflow",
                python_module("infra.local.programs.mlflow_server"),
                shared,
                mlflow_database_secret(settings),
            ),
        ]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda migration: _run(migration, settings), pending))
    stamp.write_text(json.dumps(versions))


def _stamp(settings: StackSettings) -> Path:
    """Where the versions stand that the databases were last migrated by."""
    return settings.places.postgres / "migrated.json"


def _run(migration: Migration, settings: StackSettings) -> None:
    description = {
        "environment": dict(migration.environment),
        "secret_environment": dict(migration.secret_environment),
    }
    environment = without_settings(os.environ) | environment_of(description, settings.places.secrets)
    log_path = settings.places.logs / f"{migration.name}.log"
    with log_path.open("w") as log:
        done = subprocess.run(migration.command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        raise StackError(f"The database could not be prepared: {migration.name} failed.", log=log_path)
