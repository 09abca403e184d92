"""A platform with real databases, a trained production version, secrets, logins and Grafana's state; and its backup."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.backup.create import create_backup
from infra.backup.settings import BackupSettings, Platform, platform_of
from infra.local.postgres.cluster import PostgresServer
from infra.secrets.generate import generate
from ml.core.bundle import load_bundle
from ml.data.sources.synthetic import write_csv
from tests.support.mlflow import running_mlflow
from tests.support.postgres import database_url, running_postgres

PASSPHRASE = "correct horse battery staple"
RECORDS = [{"race": "Caucasian", "gender": "Female", "age": "[60-70)"}, {}, {"number_inpatient": 3, "diag_1": "428"}]
ROOT = Path(__file__).parents[4]


@dataclass(frozen=True)
class UsedPlatform:
    """The platform, and what people would miss of it."""

    platform: Platform
    main: PostgresServer
    mlflow: PostgresServer

    def rows(self, key: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in one of the databases; returns its rows."""
        database = self.platform.database(key)
        server = self.main if database.server.port == self.main.port else self.mlflow
        with closing(server.connect(database.name)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def databases(self) -> set[str]:
        """Names of all databases on both servers."""
        found = set()
        for server in (self.main, self.mlflow):
            with closing(server.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
                found |= {name for (name,) in cursor.fetchall()}
        return found

    def content(self) -> dict[str, Any]:
        """Ledger, aliases, rows of the data, files, secrets, logins, and predictions of the production bundle."""
        platform = self.platform
        files = [path for path in sorted(platform.artifacts.rglob("*")) if path.is_file()]
        bundle = next(path.parent for path in files if path.name == "model.onnx")
        with closing(sqlite3.connect(platform.grafana)) as grafana:
            logins = grafana.execute("SELECT login FROM users").fetchall()
        return {
            "ledger": self.rows("diabetes", "SELECT * FROM gate_decisions ORDER BY id"),
            "aliases": self.rows("mlflowdb", "SELECT alias, version FROM registered_model_aliases ORDER BY 1"),
            "patients": self.rows("diabetes", "SELECT count(*), sum(patient_nbr), min(ingested_at) FROM raw_data"),
            "connections": self.rows("airflow", "SELECT conn_id, password FROM connection ORDER BY 1"),
            "owners": self.rows(
                "diabetes", "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ),
            "files": {path.relative_to(platform.artifacts).as_posix(): path.read_bytes() for path in files},
            "secrets": {path.name: path.read_text() for path in sorted(platform.secrets.iterdir())},
            "airflow logins": platform.airflow_logins.read_text(),
            "grafana logins": logins,
            "predictions": load_bundle(bundle).predict(RECORDS).tolist(),
        }

    def damage(self) -> None:
        """Lose and change something of everything, and add what the backup does not have."""
        self.rows("diabetes", "DELETE FROM raw_data WHERE patient_nbr % 2 = 0; DROP TABLE gate_decisions CASCADE")
        self.rows("diabetes", "CREATE TABLE of_later (id int)")
        self.rows("mlflowdb", "DELETE FROM registered_model_aliases")
        self.rows("airflow", "DELETE FROM connection")
        for path in list(self.platform.artifacts.rglob("*")):
            if path.name == "model.onnx":
                path.write_bytes(b"damaged")
        (self.platform.artifacts / "of_later").mkdir(exist_ok=True)
        (self.platform.artifacts / "of_later" / "file").write_text("later")
        (self.platform.model_cache / "current.json").write_text("a version of later")
        self.platform.airflow_logins.write_text(json.dumps({"of_later": "x"}))
        self.platform.grafana.write_bytes(b"not a database")
        (self.platform.secrets / "airflow_fernet_key").unlink()
        (self.platform.secrets / "airflow_fernet_key").write_text("another")


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsedPlatform]:
    """The platform after migrations, ingestion and training, by the commands of the platform."""
    home = tmp_path_factory.mktemp("used")
    with ExitStack() as stack:
        servers = []
        for _name in ("main", "mlflow"):
            # Not below pytest's own temporary root: another session closes that to the account PostgreSQL runs as.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-"))
            servers.append(stack.enter_context(running_postgres(Path(folder))))
        platform = _prepare(home, *servers)
        _fill(home, platform, *servers)
        used = UsedPlatform(platform, *servers)
        used.rows(
            "airflow",
            "INSERT INTO connection (conn_id, conn_type, password, is_encrypted, is_extra_encrypted) "
            "VALUES ('ward', 'generic', 'x', false, false)",
        )
        yield used


def _prepare(home: Path, main: PostgresServer, mlflow: PostgresServer) -> Platform:
    generate(home / "secrets")
    settings = BackupSettings.load(
        _env_file=None,
        local_dir=home,
        mlflow_artifacts_dir=home / "artifacts",
        postgres_port=main.port,
        postgres_password=main.superuser_password,
        mlflow_postgres_port=mlflow.port,
        mlflow_postgres_password=mlflow.superuser_password,
    )
    platform = platform_of(settings, home / "secrets")
    main.ensure_database("airflow", "airflow", "p")
    main.ensure_database("diabetes", "diabetes", "p")
    main.ensure_monitor("p")
    mlflow.ensure_database("mlflowdb", "mlflow", "p")
    for folder in (platform.grafana.parent, platform.airflow_logins.parent, platform.model_cache):
        folder.mkdir()
    platform.airflow_logins.write_text(json.dumps({"airflow": "airflow"}))
    with closing(sqlite3.connect(platform.grafana)) as grafana, grafana:
        grafana.execute("CREATE TABLE users (login text)")
        grafana.execute("INSERT INTO users VALUES ('admin')")
    return platform


def _fill(home: Path, platform: Platform, main: PostgresServer, mlflow: PostgresServer) -> None:
    write_csv(home / "encounters.csv", 1500, seed=5)
    with running_mlflow(database_url(mlflow, "mlflowdb", "mlflow", "p"), home) as tracking:
        variables = {
            "POSTGRES_PORT": str(main.port),
            "DIABETES_DB_PASSWORD": "p",
            "MLFLOW_TRACKING_URI": tracking,
            "DATA_SOURCE": "file",
            "DATA_FILE": str(home / "encounters.csv"),
            "DATA_DIR": str(home / "data"),
            "FOREST_TREES": "10",
            "BOOTSTRAP_SAMPLES": "50",
            "SECRETS_DIR": str(platform.secrets),
            "AIRFLOW_HOME": str(home / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": (platform.secrets / "airflow_fernet_key").read_text(),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url(main, "airflow", "airflow", "p"),
        }
        of_airflow = Thread(target=_run, args=("airflow db migrate", variables))
        of_airflow.start()
        for command in ("ml migrate", "ml ingest", "ml train"):
            _run(command, variables)
        of_airflow.join()


def _run(command: str, variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        env=os.environ | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="session")
def backup(used: UsedPlatform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the platform, with its secrets."""
    return create_backup(used.platform, tmp_path_factory.mktemp("backups"), 7, PASSPHRASE, print)
