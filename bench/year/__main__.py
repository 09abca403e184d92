"""Simulates a year of use, and measures disks while what is old is deleted on its schedule.

``python -m bench.year`` simulates 52 weeks: predictions of patients, a tenth of them with outcomes, a load test, a
search, two new versions, daily monitoring and ingestion; then what the API, ``retain_diabetes`` and the cleanup of
MLflow delete. Rows and runs of a past week get dates of that week, and the deletions correspondingly longer limits.
PostgreSQL has no time for its own VACUUM between simulated weeks, so each week ends with one.
"""

import argparse
import os
import shutil
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import optuna
import psutil
import sqlalchemy as sa

from api.settings import ApiSettings
from api.storage.postgres import connection_options
from api.storage.prediction_table import PredictionTable
from bench.database import API_PASSWORD, fresh_database, postgres
from bench.mlflow_server import running_mlflow
from bench.report import machine, print_table, write_result
from bench.year import week as added
from infra.local.postgres.cluster import PostgresServer
from infra.mlflow_cleanup import KEPT_DAYS, delete_for_good
from ml import migrations
from ml.core.pseudonyms import Pseudonyms
from ml.core.settings import MlSettings
from ml.data.ingest import ingest
from ml.registry.client import Registry
from ml.retention.plan import Limits
from ml.retention.retain import retain
from ml.training.models import RANDOM_FOREST
from ml.training.train import train
from ml.warehouse.connection import warehouse

WEEKS_OF_A_MONTH: Final = 52 / 12
PREDICTION_DAYS: Final = 90
ACCESS_LOG_DAYS: Final = 180
"""Shorter than the defaults of 365 and 2190 days, to see a year level off."""

_TABLES: Final = "predictions, outcomes, accesses, monitor_runs, rejected_rows"
_SIZES: Final = """
    SELECT pg_database_size(current_database()), pg_total_relation_size('predictions'),
           pg_total_relation_size('accesses'), (SELECT count(*) FROM predictions), (SELECT count(*) FROM accesses)
"""


def main() -> None:
    """Simulate, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=1_000_000, help="a month (default: %(default)s)")
    parser.add_argument("--weeks", type=int, default=52)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    os.environ |= {
        "DATA_SOURCE": "synthetic",
        "SYNTHETIC_ROWS": "5000",
        "FOREST_TREES": "100",
        "BOOTSTRAP_SAMPLES": "50",
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(folder)) as server,
        running_mlflow(server, Path(folder)) as (address, artifacts),
    ):
        os.environ |= {"MLFLOW_TRACKING_URI": address, "DATA_DIR": f"{folder}/data"}
        with fresh_database(server) as settings, warehouse(settings) as engine:
            weeks = _simulate(settings, engine, server, artifacts, options.weeks, options.predictions)
    limits = {
        "prediction_days": PREDICTION_DAYS,
        "access_log_days": ACCESS_LOG_DAYS,
        "retain_days": settings.retain_days,
    }
    result = {"predictions_a_month": options.predictions, **limits, "weeks": weeks, "machine": machine()}
    write_result("year", result)
    print_table("Megabytes", weeks[:: max(1, len(weeks) // 13)])


def _simulate(
    settings: MlSettings, engine: sa.Engine, server: PostgresServer, artifacts: Path, weeks: int, predictions: int
) -> list[dict[str, Any]]:
    ingest(settings, engine)
    registry = Registry(settings)
    train(settings, engine, registry, RANDOM_FOREST, {})
    rows = round(predictions / WEEKS_OF_A_MONTH)
    with registry.download("1") as downloaded, tempfile.TemporaryDirectory() as bundle:
        shutil.copytree(downloaded, bundle, dirs_exist_ok=True)
        measured = []
        for week in range(weeks):
            age = 7 * (weeks - week)
            added.add_rows(engine, week, age, rows)
            added.add_versions_and_runs(registry, Path(bundle))
            added.add_search(settings, engine, week, age)
            added.backdate(server, age, age)
            deleted = _delete(settings, engine, server, age - 7)
            measured.append({"week": week + 1, **_measure(engine, server, artifacts), **deleted})
            print(measured[-1], flush=True)
        return measured


def _delete(settings: MlSettings, engine: sa.Engine, server: PostgresServer, days: int) -> dict[str, int]:
    """Delete what was old so many days ago, as the platform does; returns numbers."""
    migrations.upgrade(engine, prediction_retention_days=PREDICTION_DAYS + days)
    _prune(settings)
    limits = Limits(settings.retain_days + days, load_test_days=14 + days, access_log_days=ACCESS_LOG_DAYS + days)
    result = retain(settings, engine, limits, apply=True, actor="bench")
    added.backdate(server, days, days)
    runs, _ = delete_for_good(KEPT_DAYS + days)
    return {"versions_deleted": len(result.versions), "runs_deleted_for_good": runs}


def _prune(settings: MlSettings) -> None:
    """Delete what the API deletes, in its batches."""
    login = {name: getattr(settings, name) for name in ("postgres_host", "postgres_port", "diabetes_db_name")}
    keys = {"api_db_password": API_PASSWORD, "prediction_log_key": "k" * 16}
    of_api = ApiSettings.load(_env_file=None, **login, **keys)
    table = PredictionTable(connection_options(of_api, "bench", 60), Pseudonyms.from_settings(of_api))
    while table.prune():
        pass
    table.disconnect()


def _measure(engine: sa.Engine, server: PostgresServer, artifacts: Path) -> dict[str, float]:
    """Sizes in megabytes after a VACUUM, and memory of the database servers and MLflow."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"VACUUM {_TABLES}"))
        database, table, accesses, rows, entries = connection.execute(sa.text(_SIZES)).one()
    with closing(server.connect("mlflowdb")) as mlflow, mlflow.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("SELECT pg_database_size(current_database()), (SELECT count(*) FROM runs)")
        size, runs = cursor.fetchone() or (0, 0)
    stored = sum(file.stat().st_size for file in artifacts.rglob("*") if file.is_file())
    return {
        "database": round(database / 1e6, 1),
        "predictions": round(table / 1e6, 1),
        "access_log": round(accesses / 1e6, 1),
        "artifacts": round(stored / 1e6, 1),
        "mlflow_database": round(size / 1e6, 1),
        "rows_of_predictions": rows,
        "entries_of_access_log": entries,
        "rows_of_runs": runs,
        "mlflow_memory": round(sum(map(_memory, psutil.Process().children(recursive=True))) / 1e6),
    }


def _memory(process: psutil.Process) -> int:
    """Of a process of MLflow's server, which is written in Python."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss) if process.name().startswith("python") else 0
    return 0


if __name__ == "__main__":
    main()
