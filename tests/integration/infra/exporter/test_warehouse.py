"""Metrics that the exporter reads from a real, migrated database, as role ``monitor`` and within its time limit."""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from infra.exporter.collector import PlatformCollector
from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import MlSettings
from ml.monitoring.drift import Finding, Kind, State
from ml.monitoring.findings import MonitoringRun, save_run
from ml.warehouse.tables import deletions, gate_decisions, ingestions, metadata, monitor_quality
from tests.integration.infra.exporter.conftest import Scrape
from tests.integration.ml.databases import fresh_database

Make = Callable[..., PlatformCollector]
Database = tuple[sa.Engine, dict[str, object]]

LAST = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIRST = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSWORD = secrets.token_urlsafe(16)
READABLE = {"monitor_runs", "monitor_drift", "monitor_quality", "ingestions", "gate_decisions", "deletions"}


@pytest.fixture
def database(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    """A migrated database, and the exporter's settings for it."""
    postgres_server.ensure_monitor(PASSWORD)  # before the migrations, which grant it rights
    with fresh_database(postgres_server, tmp_path) as (settings, engine):
        yield engine, login(settings)


def login(settings: MlSettings) -> dict[str, object]:
    return {
        "postgres_host": settings.postgres_host,
        "postgres_port": settings.postgres_port,
        "diabetes_db_name": settings.diabetes_db_name,
        "postgres_monitor_password": PASSWORD,
    }


def ingestion(accepted: int, rejected: int, version: str | None, moment: datetime) -> dict[str, object]:
    source = {"source": "file", "provenance": "real", "content_sha256": str(accepted), "rows_written": 1}
    counts = {"rows_accepted": accepted, "rows_rejected": rejected}
    return {**source, **counts, "data_version": version, "ingested_at": moment}


def decision(action: str) -> dict[str, object]:
    return {"action": action, "actor": "a test", "reason": "none", "rule": "none", "figures": {}}


def quality(run: int, subgroup: str, value: float | None, *, estimated: bool = False) -> dict[str, object]:
    bounds = {"value": value, "low": value and value - 0.1, "high": value and value + 0.1}
    row = {"run_id": run, "model_version": "3", "subgroup": subgroup, "metric": "auroc", "estimated": estimated}
    return {**row, **bounds, "records": 800, "positives": 80, "coverage": 0.4}


def run_of(findings: list[Finding], state: State) -> MonitoringRun:
    return MonitoringRun(0, "3", "v", FIRST, LAST, 1234, state, findings, {"notes": []})


def test_rows_of_ingestion_gate_and_monitoring_become_metrics(
    make_collector: Make, scrape: Scrape, database: Database
) -> None:
    engine, settings = database
    drifted = Finding(Kind.VALUE, "age", State.DRIFT, 1000, 0.3, 0.08, 0.0001)
    unknown = Finding(Kind.VALUE, "weight", State.NOT_ENOUGH_DATA, 31)
    with_quality = save_run(engine, run_of([], State.OK))
    save_run(engine, run_of([drifted, unknown], State.DRIFT))
    with engine.begin() as connection:
        rows = [ingestion(90, 0, "b", FIRST), ingestion(100, 7, "b", LAST), ingestion(110, 8, None, LAST)]
        connection.execute(ingestions.insert(), rows)
        connection.execute(gate_decisions.insert(), [decision("promoted"), decision("refused"), decision("refused")])
        freed = {"actor": "a test", "versions": ["2"], "counts": {"runs": 3, "rejected rows": 0}, "freed_bytes": 5_000}
        connection.execute(deletions.insert(), [freed, freed])
        connection.execute(deletions.insert(), {"actor": "a test, interrupted", "versions": ["2"]})
        measured = [quality(with_quality.run_id, "all", 0.7), quality(with_quality.run_id, "gender=Female", None)]
        estimate = quality(with_quality.run_id, "all", 0.65, estimated=True)
        connection.execute(monitor_quality.insert(), [*measured, estimate])

    found = scrape(make_collector(**settings))

    assert found["warehouse_up"] == 1
    assert found["exporter_scrape_errors_total{warehouse}"] == 0
    assert found["ingestion_last_timestamp_seconds"] == LAST.timestamp()
    assert (found["ingestion_rows{accepted}"], found["ingestion_rows{rejected}"]) == (110, 8)
    assert found["data_version_created_timestamp_seconds"] == FIRST.timestamp(), (
        "the first of two ingestions of the same data"
    )
    assert (found["gate_decisions_total{promoted}"], found["gate_decisions_total{refused}"]) == (1, 2)
    assert (found["retention_deleted_total{runs}"], found["retention_deleted_total{rejected rows}"]) == (6, 0)
    assert found["retention_freed_bytes_total"] == 10_000
    assert time.time() - 60 < found["monitor_last_run_timestamp_seconds"] <= time.time()
    assert (found["monitor_window_predictions"], found["monitor_state"]) == (1234, 1)
    assert (found["drift_state{age,value}"], found["drift_state{value,weight}"]) == (1, -1)
    assert (found["drift_distance{age,value}"], found["drift_threshold{age,value}"]) == (0.3, 0.08)
    assert "drift_distance{value,weight}" not in found
    bounds = {name: value for name, value in found.items() if name.startswith("realised_quality")}
    assert bounds == {
        "realised_quality{3,all,auroc,value}": 0.7,
        "realised_quality{3,all,auroc,low}": pytest.approx(0.6),
        "realised_quality{3,all,auroc,high}": pytest.approx(0.8),
    }
    assert found["estimated_quality{3,auroc}"] == 0.65
    assert (found["realised_outcomes{3}"], found["realised_coverage_ratio{3}"]) == (800, 0.4)


def test_an_empty_database_is_up_without_further_metrics(
    make_collector: Make, scrape: Scrape, database: Database
) -> None:
    found = scrape(make_collector(**database[1]))

    assert found["warehouse_up"] == 1
    assert found["exporter_scrape_errors_total{warehouse}"] == 0
    assert not [name for name in found if name.startswith(("drift", "monitor", "ingestion", "realised", "gate"))]


def test_the_role_reads_no_patient_data_and_writes_nothing(postgres_server: PostgresServer, database: Database) -> None:
    options = {"host": postgres_server.host, "port": postgres_server.port, "user": "monitor", "password": PASSWORD}
    connection = psycopg2.connect(**options, dbname=database[1]["diabetes_db_name"])
    connection.autocommit = True
    refused = set()
    with connection.cursor() as cursor:
        for table in metadata.tables:
            try:
                cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own table names
            except psycopg2.errors.InsufficientPrivilege:
                refused.add(table)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM monitor_runs")
    connection.close()

    assert set(metadata.tables) - refused == READABLE


@pytest.mark.parametrize("settings", [{}, {"postgres_monitor_password": "wrong"}])
def test_an_unreachable_database_leaves_the_metrics_of_airflow(
    make_collector: Make, scrape: Scrape, database: Database, settings: dict[str, object]
) -> None:
    found = scrape(make_collector(**(database[1] | settings if settings else {})))

    assert found["airflow_up"] == 1
    assert found["warehouse_up"] == 0
    assert found["exporter_scrape_errors_total{warehouse}"] == 1
    assert not [name for name in found if name.startswith(("drift", "monitor", "ingestion", "realised", "gate"))]


def test_a_database_that_accepts_and_never_responds_is_given_up_in_time(make_collector: Make, scrape: Scrape) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        collector = make_collector(postgres_port=silent.getsockname()[1], exporter_timeout_seconds=1)
        found = scrape(collector)

    assert found["warehouse_up"] == 0
    assert found["airflow_up"] == 1


def test_a_database_that_hangs_in_a_query_is_given_up_in_time(
    make_collector: Make, scrape: Scrape, database: Database
) -> None:
    engine, settings = database
    collector = make_collector(**settings, exporter_timeout_seconds=1)
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE gate_decisions IN ACCESS EXCLUSIVE MODE"))
        found = scrape(collector)  # the table is locked until it returns

    assert found["warehouse_up"] == 1
    assert found["exporter_scrape_errors_total{warehouse}"] == 1
    assert "monitor_state" not in found
    assert scrape(collector)["exporter_scrape_errors_total{warehouse}"] == 1, "the next read works"
