"""What each role may not do in the ``diabetes`` database, tried as that role on a real server."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from infra.exporter.warehouse import ROLE as MONITOR
from infra.local.postgres.cluster import PostgresServer
from ml import migrations
from ml.core.names import API_ROLE
from ml.warehouse.tables import metadata
from tests.integration.ml import databases
from tests.integration.ml.databases import fresh_database
from tests.support.postgres import API_PASSWORD

PASSWORD = secrets.token_urlsafe(16)
OWNER = databases.ROLE
RETENTION_DAYS = 30
Run = Callable[[str, str], list[Any]]

READ_BY_THE_API = {"predictions", "outcomes", "policies", "monitor_runs", "monitor_drift", "monitor_quality"}
INSERTED_BY_THE_API = {"predictions", "outcomes", "policies", "accesses"}
READ_BY_THE_MONITOR = {"monitor_runs", "monitor_drift", "monitor_quality", "ingestions", "gate_decisions", "deletions"}


@pytest.fixture(scope="module")
def run(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a statement as a role, and returns the rows."""
    postgres_server.ensure_monitor(PASSWORD)
    passwords = {OWNER: databases.PASSWORD, API_ROLE: API_PASSWORD, MONITOR: PASSWORD}
    folder: Path = tmp_path_factory.mktemp("roles")
    with fresh_database(postgres_server, folder) as (settings, engine):
        migrations.upgrade(engine, prediction_retention_days=RETENTION_DAYS)

        def run(role: str, statement: str) -> list[Any]:
            address = {"host": settings.postgres_host, "port": settings.postgres_port}
            connection = psycopg2.connect(
                **address, dbname=settings.diabetes_db_name, user=role, password=passwords[role]
            )
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute(statement)
                    return cursor.fetchall() if cursor.description else []
            finally:
                connection.close()

        yield run


def refused(run: Run, role: str, statement: str) -> bool:
    """Whether the server refuses the statement for want of a privilege."""
    try:
        run(role, statement)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    return False


def statements(table: str) -> dict[str, str]:
    """One statement of each kind. None changes a row where it is allowed."""
    last = metadata.tables[table].columns.keys()[-1]
    return {
        "read": f"SELECT * FROM {table} LIMIT 1",
        "insert": f"INSERT INTO {table} ({last}) SELECT NULL WHERE false",
        "update": f"UPDATE {table} SET {last} = NULL WHERE false",
        "delete": f"DELETE FROM {table} WHERE false",
        "truncate": f"TRUNCATE {table} CASCADE",
        "alter": f"ALTER TABLE {table} ADD COLUMN more integer",
        "drop": f"DROP TABLE {table} CASCADE",
    }


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_the_api_may_do_what_its_work_needs_and_nothing_else(run: Run, table: str) -> None:
    allowed = {
        "read": table in READ_BY_THE_API,
        "insert": table in INSERTED_BY_THE_API,
    }
    for kind, statement in statements(table).items():
        assert refused(run, API_ROLE, statement) is not allowed.get(kind, False), statement


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_the_monitor_reads_its_tables_and_no_patient(run: Run, table: str) -> None:
    for kind, statement in statements(table).items():
        is_allowed = kind == "read" and table in READ_BY_THE_MONITOR
        assert refused(run, MONITOR, statement) is not is_allowed, statement


def test_the_api_reads_of_encounters_and_decisions_what_it_answers_and_no_more(run: Run) -> None:
    assert not refused(run, API_ROLE, "SELECT patient_nbr, encounter_id, age, number_inpatient FROM raw_data")
    assert not refused(run, API_ROLE, "SELECT id, action, version, reason FROM gate_decisions")
    for column in ("race", "weight", "readmitted", "medical_specialty"):
        assert refused(run, API_ROLE, f"SELECT {column} FROM raw_data")
    for column in ("approval", "figures"):
        assert refused(run, API_ROLE, f"SELECT {column} FROM gate_decisions")


def test_the_api_deletes_rows_older_than_the_retention_and_no_others(run: Run) -> None:
    run(
        OWNER,
        "INSERT INTO outcomes (encounter, readmitted_within_30_days, known_on, client, received_at) "
        "SELECT days, false, now(), 'c', now() - make_interval(days => days) FROM generate_series(28, 32) days",
    )

    assert run(API_ROLE, "SELECT delete_expired_rows()") == [(False,)]

    assert run(OWNER, "SELECT encounter FROM outcomes ORDER BY encounter") == [("28",), ("29",)]
    assert refused(run, MONITOR, "SELECT delete_expired_rows()")


@pytest.mark.parametrize("role", [API_ROLE, MONITOR])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE FUNCTION delete_expired_rows() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "ALTER FUNCTION delete_expired_rows() RESET search_path",
        "CREATE TABLE mine (id integer)",
        "CREATE SCHEMA mine",
        "CREATE ROLE friend LOGIN",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        f"SET ROLE {OWNER}",
        f"GRANT {OWNER} TO CURRENT_USER",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "GRANT SELECT ON raw_data TO PUBLIC",
        "SELECT * FROM labelled_predictions",
        "SELECT * FROM optuna.trials",
    ],
)
def test_no_service_role_widens_what_it_may_do(run: Run, role: str, statement: str) -> None:
    assert refused(run, role, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gate_decisions SET version = '9'",
        "UPDATE gate_decisions SET reason = 'another'",
        "UPDATE gate_decisions SET approval = NULL",
        "DELETE FROM gate_decisions",
        "TRUNCATE gate_decisions",
    ],
)
def test_entries_of_the_ledger_cannot_be_changed_or_deleted_by_the_pipeline_either(run: Run, statement: str) -> None:
    assert refused(run, OWNER, statement)
    assert not refused(run, OWNER, "UPDATE gate_decisions SET completed_at = now() WHERE completed_at IS NULL")


def test_no_other_database_of_the_server_opens(run: Run, postgres_server: PostgresServer) -> None:
    postgres_server.ensure_database("another", "another", secrets.token_urlsafe(16))
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(
            host=postgres_server.host, port=postgres_server.port, dbname="another", user=API_ROLE, password=API_PASSWORD
        )
