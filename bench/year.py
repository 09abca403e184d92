"""Simulates a year of use, and measures disks while old rows, versions and runs are deleted on their schedule.

``python -m bench.year`` simulates 52 weeks: predictions of patients, a tenth of them with outcomes, a load test, a
search of eight trials that ends with a version, a monitoring run; then what the API and ``retain_diabetes`` delete.
Rows and runs of a past week get dates of that week, and the deletions correspondingly longer limits. PostgreSQL has no
time for its own VACUUM between simulated weeks, so each week ends with one.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from api.settings import ApiSettings
from api.storage.postgres import connection_options
from api.storage.prediction_table import PredictionTable
from bench.database import API_PASSWORD, fresh_database, postgres
from bench.report import machine, print_table, write_result
from infra.local.postgres.cluster import PostgresServer
from infra.local.programs.mlflow_server import mlflow_command, mlflow_environment
from infra.local.supervision.probes import free_port, http_probe
from ml.core.names import MONITORING_EXPERIMENT
from ml.core.pseudonyms import Pseudonyms
from ml.core.settings import MlSettings
from ml.data.ingest import ingest
from ml.registry.client import Registry
from ml.retention.plan import Limits
from ml.retention.retain import retain
from ml.schema import EXAMPLE_RECORD
from ml.training.models import RANDOM_FOREST
from ml.training.train import train
from ml.warehouse.connection import warehouse

WEEKS: Final = 52
WEEKS_OF_A_MONTH: Final = 52 / 12
RETENTION_DAYS: Final = 90
"""Of predictions and outcomes here, to see a year level off; the setting's default is 365."""
TRIALS: Final = 8

_PREDICTIONS: Final = """
    INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, record, known_fields,
                             probability, load_test, client, patient, encounter)
    SELECT :week || '-' || n, 0, now() - make_interval(days => :days) + n * interval '7 days' / :rows, '1', 'real',
           CAST(:record AS jsonb), 47, random(), :load, 'key:ward', md5('p' || (n * 7 + :week) % 500000),
           md5(:week || 'e' || n)
    FROM generate_series(1, :rows) AS n
"""
_OUTCOMES: Final = """
    INSERT INTO outcomes (encounter, readmitted_within_30_days, known_on, client, received_at)
    SELECT md5(:week || 'e' || n), n % 90 = 0, now() - make_interval(days => :days), 'key:ward',
           now() - make_interval(days => :days)
    FROM generate_series(1, :rows, 10) AS n
"""
_MONITORING: Final = """
    INSERT INTO monitor_runs (finished_at, model_version, reference_data_version, window_start, window_end, predictions,
                              state, details)
    VALUES (now() - make_interval(days => :days), '1', 'd', now(), now(), 10000, 'ok', '{}')
"""
_SIZES: Final = """
    SELECT pg_database_size(current_database()), pg_total_relation_size('predictions'),
           pg_total_relation_size('accesses')
"""


def main() -> None:
    """Simulate, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=1_000_000, help="a month (default: %(default)s)")
    options = parser.parse_args()
    os.environ |= {
        "DATA_SOURCE": "synthetic",
        "SYNTHETIC_ROWS": "5000",
        "FOREST_TREES": "100",
        "BOOTSTRAP_SAMPLES": "50",
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(folder)) as server,
        _mlflow(server, Path(folder)) as (address, artifacts),
    ):
        os.environ |= {"MLFLOW_TRACKING_URI": address, "DATA_DIR": f"{folder}/data"}
        with fresh_database(server) as settings, warehouse(settings) as engine:
            weeks = _simulate(settings, engine, server, artifacts, options.predictions)
    write_result("year", {"predictions_a_month": options.predictions, "weeks": weeks, "machine": machine()})
    print_table("Megabytes", weeks[:: max(1, len(weeks) // 13)])


def _simulate(
    settings: MlSettings, engine: sa.Engine, server: PostgresServer, artifacts: Path, predictions: int
) -> list[dict[str, Any]]:
    ingest(settings, engine)
    registry = Registry(settings)
    train(settings, engine, registry, RANDOM_FOREST, {})
    with registry.download("1") as downloaded, tempfile.TemporaryDirectory() as bundle:
        shutil.copytree(downloaded, bundle, dirs_exist_ok=True)
        return [
            _week(week, settings, engine, server, artifacts, Path(bundle), round(predictions / WEEKS_OF_A_MONTH))
            for week in range(WEEKS)
        ]


def _week(
    week: int, settings: MlSettings, engine: sa.Engine, server: PostgresServer, artifacts: Path, bundle: Path, rows: int
) -> dict[str, Any]:
    """Add a week, delete what is old at its end, and measure in megabytes."""
    age = 7 * (WEEKS - week)
    values = {"week": week, "days": age, "rows": rows, "record": json.dumps(EXAMPLE_RECORD)}
    with engine.begin() as connection:
        connection.execute(sa.text(_PREDICTIONS), {**values, "load": False})
        connection.execute(sa.text(_PREDICTIONS), {**values, "load": True, "rows": rows // 10})
        connection.execute(sa.text(_OUTCOMES), values)
        connection.execute(sa.text(_MONITORING), values)
    _search(Registry(settings), bundle)
    _backdate(server, age)
    _prune(settings, RETENTION_DAYS + age - 7)
    limits = Limits(settings.retain_days + age - 7, load_test_days=14 + age - 7)
    deleted = retain(settings, engine, limits, apply=True, actor="bench")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM predictions, outcomes, accesses, monitor_runs"))
        database, table, accesses = connection.execute(sa.text(_SIZES)).one()
    stored = sum(file.stat().st_size for file in artifacts.rglob("*") if file.is_file())
    return {
        "week": week + 1,
        "database": round(database / 1e6),
        "predictions": round(table / 1e6),
        "access_log": round(accesses / 1e6),
        "artifacts": round(stored / 1e6, 1),
        "mlflow_database": round(_size(server, "mlflowdb") / 1e6),
        "versions_deleted": len(deleted.versions),
    }


def _search(registry: Registry, bundle: Path) -> None:
    for _ in range(TRIALS - 1):
        with registry.run("trial", {}):
            registry.log_text("a file of the run", "trial.txt")
    with registry.run("week", {}):
        registry.register(bundle, {"data_source": "real", "fingerprint": "none"}, "a version of the simulation")
    with registry.run("monitoring", {}, MONITORING_EXPERIMENT):
        registry.log_text("a report", "report.txt")


def _backdate(server: PostgresServer, days: int) -> None:
    """Give runs and versions that are new the time of the simulated week."""
    moment = f"CAST(extract(epoch FROM now() - make_interval(days => {days})) * 1000 AS bigint)"
    recent = "CAST(extract(epoch FROM now() - interval '1 day') * 1000 AS bigint)"
    with closing(server.connect("mlflowdb")) as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE runs SET start_time = {moment} WHERE start_time > {recent}")  # noqa: S608 -- constants
        cursor.execute(f"UPDATE model_versions SET creation_time = {moment} WHERE creation_time > {recent}")  # noqa: S608


def _prune(settings: MlSettings, days: int) -> None:
    """Delete what the API deletes, in its batches."""
    login = {name: getattr(settings, name) for name in ("postgres_host", "postgres_port", "diabetes_db_name")}
    keys = {"api_db_password": API_PASSWORD, "prediction_log_key": "k" * 16}
    of_api = ApiSettings.load(_env_file=None, **login, **keys)
    table = PredictionTable(connection_options(of_api, "bench", 60), Pseudonyms.from_settings(of_api))
    while table.prune(days):
        pass
    table.disconnect()


def _size(server: PostgresServer, database: str) -> int:
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone() or (0,)
    return int(size)


@contextmanager
def _mlflow(server: PostgresServer, folder: Path) -> Iterator[tuple[str, Path]]:
    """A server of MLflow; yields its address and the folder of its artifacts."""
    server.ensure_database("mlflowdb", "mlflow", API_PASSWORD)
    artifacts, port = folder / "artifacts", free_port()
    url = f"postgresql+psycopg2://mlflow:{API_PASSWORD}@{server.host}:{server.port}/mlflowdb"
    environment = {**os.environ, **mlflow_environment(artifacts, "127.0.0.1", port), "MLFLOW_BACKEND_STORE_URI": url}
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(mlflow_command(), env=environment, stdout=log, stderr=log)
        try:
            is_ready = http_probe(f"http://127.0.0.1:{port}/health")
            while not is_ready(0):
                if process.poll() is not None:
                    raise RuntimeError((folder / "mlflow.log").read_text()[-3000:])
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", artifacts
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
