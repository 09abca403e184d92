"""Prepares what programs need before they start: ``.env``, secrets, PostgreSQL clusters, databases and migrations.

Every step can be repeated; it then changes nothing.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from rich.console import Console

from infra.backup.restoring.checks import check_tables
from infra.backup.settings import BackupSettings, Platform, platform_of
from infra.local.errors import StackError
from infra.local.postgres.cluster import PostgresServer
from infra.local.postgres.servers import main_postgres, mlflow_postgres, prepare_archive
from infra.local.programs.airflow import airflow_environment, airflow_secrets
from infra.local.programs.environment import shared_environment, without_settings
from infra.local.programs.services import mlflow_database_secret
from infra.local.settings import ROOT, StackSettings, python_module
from infra.local.supervision.launch import program_environment
from infra.secrets.generate import FERNET_KEY, ROLE_PASSWORDS, SUPERUSERS, generate, missing
from infra.secrets.rotate import forget_former
from ml.core.names import API_ROLE, SIGNING_KEY
from ml.core.settings import MlSettings

_DATABASES = """
    SELECT datname, pg_get_userbyid(datdba) FROM pg_database
    WHERE NOT datistemplate AND datname NOT IN ('postgres', 'airflow') ORDER BY 1
"""
PACKAGES = ("apache-airflow-core", "mlflow")
REPLACEABLE = ROLE_PASSWORDS | {"prediction_log_key", SIGNING_KEY}
"""Secrets that no data depend on. Another key gives patients new pseudonyms, or signs the next approvals."""


def write_dotenv(console: Console) -> None:
    """Create ``.env`` from its example at the first start."""
    example, target = ROOT / ".env.example", ROOT / ".env"
    if example.exists() and not target.exists():
        shutil.copyfile(example, target)
        target.chmod(0o600)
        console.print("Created .env from .env.example: change ports, logins and the data source there.")


def prepare_secrets(settings: StackSettings) -> None:
    """Generate the secrets at the first start.

    Raises:
        StackError: a secret is missing, but databases that were created with it exist.
    """
    paths = settings.paths
    lost = [name for name in missing(paths.secrets) if name not in REPLACEABLE]
    if lost and any((paths.postgres / name / "PG_VERSION").exists() for name in ("main", "mlflow")):
        raise StackError(
            f"Secret {lost[0]} is missing though the databases were created with it: restore the file in "
            f"{paths.secrets}, or start afresh with make clean."
        )
    generate(paths.secrets)


def initialise_clusters(settings: StackSettings) -> None:
    """Create the data directories of both servers in parallel."""
    servers = (main_postgres(settings), mlflow_postgres(settings))
    if not all(server.initialised for server in servers):
        (settings.paths.postgres / "migrated.json").unlink(missing_ok=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: server.initialise(), servers))
    if settings.wal_archive:
        prepare_archive(servers[0], settings.wal_archive)


def create_databases(settings: StackSettings) -> None:
    """Create roles and databases on the running servers, and set the passwords from the secrets.

    Raises:
        StackError: the settings name another database or owner than the data have.
    """
    secret = settings.paths.read_secret
    main, mlflow = main_postgres(settings), mlflow_postgres(settings)
    _check_owner(main, settings)
    main.ensure_database("airflow", "airflow", secret("airflow_db_password"))
    main.ensure_database(settings.diabetes_db_name, settings.diabetes_db_user, secret("diabetes_db_password"))
    main.ensure_role(API_ROLE, secret("api_db_password"))
    main.ensure_monitor(secret("postgres_monitor_password"))
    mlflow.ensure_database("mlflowdb", "mlflow", secret("mlflow_db_password"))
    mlflow.ensure_monitor(secret("mlflow_postgres_monitor_password"))
    for name in SUPERUSERS:  # both servers have accepted the present passwords
        forget_former(settings.paths.secrets, name)


def _check_owner(server: PostgresServer, settings: StackSettings) -> None:
    name, role = settings.diabetes_db_name, settings.diabetes_db_user
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(_DATABASES)
        owners = dict(cursor.fetchall())
    if name not in owners and owners:
        raise StackError(f"DIABETES_DB_NAME={name} has no data, which are in {', '.join(owners)}: set it back.")
    if owners.get(name, role) != role:
        raise StackError(f"DIABETES_DB_USER={role} does not own the data, {owners[name]} does: set it back.")


def backup_settings(settings: StackSettings) -> tuple[BackupSettings, Platform]:
    """Settings of backup and restore, with the servers of this stack whatever else is configured."""
    secret = settings.paths.read_secret
    configured = BackupSettings.load(
        postgres_host="127.0.0.1",
        mlflow_postgres_host="127.0.0.1",
        postgres_password=secret("postgres_password"),
        mlflow_postgres_password=secret("mlflow_postgres_password"),
    )
    return configured, platform_of(configured, settings.paths.secrets)


def migrate(settings: StackSettings) -> None:
    """Run the migrations in parallel; those of Airflow and MLflow only after their version changed.

    Raises:
        PlatformError: a migration failed, or a newer release migrated the tables.
    """
    check_tables(backup_settings(settings)[1])
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    migrated = settings.paths.postgres / "migrated.json"
    shared = shared_environment(settings, MlSettings)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(_migrate, settings, "diabetes", python_module("ml", "migrate"), shared, {})]
        if not migrated.exists() or json.loads(migrated.read_text()) != versions:
            airflow, secrets = airflow_environment(settings), airflow_secrets(signs_tokens=False)
            upgrade, database = python_module("infra.local.programs.mlflow_server"), mlflow_database_secret(settings)
            runs += [
                pool.submit(_migrate, settings, "airflow", python_module("airflow", "db", "migrate"), airflow, secrets),
                pool.submit(_migrate, settings, "mlflow", upgrade, shared, database),
            ]
    for run in runs:
        run.result()
    migrated.write_text(json.dumps(versions))


def finish_fernet_rotation(settings: StackSettings) -> None:
    """Encrypt with Airflow's new key what the former has encrypted, while Airflow is stopped, and forget the former.

    Raises:
        StackError: Airflow cannot decrypt with either key.
    """
    if "," in settings.paths.read_secret(FERNET_KEY):
        secrets = airflow_secrets(signs_tokens=False)
        command = python_module("airflow", "rotate-fernet-key")
        _migrate(settings, "airflow", command, airflow_environment(settings), secrets)
        forget_former(settings.paths.secrets, FERNET_KEY)


def run_ml(settings: StackSettings, command: str) -> tuple[bool, str]:
    """Run ``python -m ml`` on the running stack; returns whether it succeeded, and what it said in one line."""
    result = subprocess.run(
        python_module("ml", command),
        cwd=ROOT,
        env=without_settings(os.environ) | shared_environment(settings, MlSettings),
        capture_output=True,
        text=True,
        check=False,
    )
    return not result.returncode, " ".join((result.stdout + result.stderr).split())


def _migrate(
    settings: StackSettings,
    database: str,
    command: list[str],
    environment: Mapping[str, str],
    secret_environment: Mapping[str, str],
) -> None:
    variables = program_environment(environment, secret_environment, settings.paths.secrets)
    log_path = settings.paths.logs / f"migrate-{database}.log"
    with log_path.open("w") as log:
        result = subprocess.run(
            command, cwd=ROOT, env=without_settings(os.environ) | variables, stdout=log, stderr=log, check=False
        )
    if result.returncode:
        raise StackError(f"The migration of the {database} database failed.", log=log_path)
