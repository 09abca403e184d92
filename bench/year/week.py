"""What a week of use adds to the databases and the artifacts, with the dates of that week."""

import json
from contextlib import closing
from pathlib import Path
from typing import Final

import optuna
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.names import MONITORING_EXPERIMENT
from ml.core.settings import MlSettings
from ml.registry.client import Registry
from ml.schema import EXAMPLE_RECORD
from ml.training.tune import storage

TRIALS: Final = 8
VERSIONS: Final = 2
"""Of a training on new data, and of the search."""
DAYS: Final = 7

_PREDICTIONS: Final = """
    INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, record, known_fields,
                             probability, load_test, client, patient, encounter)
    SELECT :week || '-' || n, 0, now() - make_interval(days => :days) + n * interval '7 days' / :rows, '1', 'real',
           CAST(:record AS jsonb), 47, random(), :load, 'key:ward',
           CASE WHEN NOT :load THEN md5('p' || (n * 7 + :week) % 500000) END,
           CASE WHEN NOT :load THEN md5(:week || 'e' || n) END
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
    SELECT now() - make_interval(days => :days - n), '1', 'd', now(), now(), 10000, 'ok', '{}'
    FROM generate_series(0, 6) AS n
"""
_INGESTIONS: Final = """
    WITH daily AS (
        INSERT INTO ingestions (source, provenance, content_sha256, rows_accepted, rows_rejected, rows_written,
                                ingested_at)
        SELECT 'file', 'real', 'c', 5000, 20, 0, now() - make_interval(days => :days - n)
        FROM generate_series(0, 6) AS n RETURNING id)
    INSERT INTO rejected_rows (ingestion_id, row_number, reason, record)
    SELECT id, n, 'age: not one of the values', CAST(:record AS jsonb) FROM daily, generate_series(1, 20) AS n
"""
_DELETED: Final = {"runs": "deleted_time", "logged_models": "last_updated_timestamp_ms"}
_STARTED: Final = {"runs": "start_time", "model_versions": "creation_time"}


def add_rows(engine: sa.Engine, week: int, days: int, predictions: int) -> None:
    """Predictions, a tenth of them with outcomes, a load test of a tenth, monitoring, and daily ingestions."""
    values = {"week": week, "days": days, "rows": predictions, "record": json.dumps(EXAMPLE_RECORD)}
    with engine.begin() as connection:
        connection.execute(sa.text(_PREDICTIONS), {**values, "load": False})
        connection.execute(sa.text(_PREDICTIONS), {**values, "load": True, "rows": predictions // 10})
        connection.execute(sa.text(_OUTCOMES), values)
        connection.execute(sa.text(_MONITORING), values)
        connection.execute(sa.text(_INGESTIONS), values)


def add_versions_and_runs(registry: Registry, bundle: Path) -> None:
    """Versions with a run each, and the run of each day's monitoring."""
    for _ in range(VERSIONS):
        with registry.run("training", {}):
            registry.log_results({f"parameter {n}": n for n in range(20)}, {f"metric {n}": n / 7 for n in range(100)})
            registry.register(bundle, {"data_source": "real", "fingerprint": "none"}, "a version of the simulation")
    for _ in range(DAYS):
        with registry.run("monitoring", {}, MONITORING_EXPERIMENT):
            registry.log_text("a report\n" * 10_000, "report.html")


def add_search(settings: MlSettings, engine: sa.Engine, week: int, days: int) -> None:
    """A study of the search."""
    study = optuna.create_study(study_name=f"week {week}", storage=storage(settings))
    for _ in range(TRIALS):
        study.add_trial(
            optuna.trial.create_trial(
                params={"depth": 3}, distributions={"depth": optuna.distributions.IntDistribution(1, 9)}, value=0.6
            )
        )
    started = "UPDATE optuna.trials SET datetime_start = now() - make_interval(days => :days) WHERE study_id = :study"
    with engine.begin() as connection:
        connection.execute(sa.text(started), {"days": days, "study": study._study_id})


def backdate(server: PostgresServer, started: int, deleted: int) -> None:
    """Give what MLflow has just made, and what it has just deleted, the age in days of the simulated week."""
    with closing(server.connect("mlflowdb")) as connection, connection.cursor() as cursor:
        for columns, days in ((_STARTED, started), (_DELETED, deleted)):
            for table, column in columns.items():
                moment, recent = _milliseconds(f"{days} days"), _milliseconds("1 day")
                condition = f"{column} > {recent}" + (" AND lifecycle_stage = 'deleted'" if columns is _DELETED else "")
                cursor.execute(f"UPDATE {table} SET {column} = {moment} WHERE {condition}")  # noqa: S608 -- constants


def _milliseconds(age: str) -> str:
    return f"CAST(extract(epoch FROM now() - interval '{age}') * 1000 AS bigint)"
