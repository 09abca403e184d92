"""The DAG that deletes what is old, on a real Airflow that has old runs, events and task logs."""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import MlSettings
from ml.retention.plan import Limits
from ml.retention.rows import count
from ml.warehouse.connection import warehouse
from tests.integration.dags.dag_runs import Run, environment_of, run_dags
from tests.integration.ml.databases import fresh_database
from tests.support.airflow_home import Airflow, airflow_environment
from tests.support.postgres import database_url

OLD = timedelta(days=200)
DAG = "retain_diabetes"
DATED = (("dag_run", "start_date"), ("task_instance", "start_date"), ("log", "dttm"))
PASSWORD = secrets.token_urlsafe(12)


@pytest.fixture(scope="module")
def address(postgres_server: PostgresServer) -> str:
    """Of a database of Airflow that no other module uses."""
    postgres_server.ensure_database("retain_airflow", "retain_airflow", PASSWORD)
    return database_url(postgres_server, "retain_airflow", "retain_airflow", PASSWORD)


@pytest.fixture(scope="module")
def engine(address: str) -> Iterator[sa.Engine]:
    found = sa.create_engine(address)
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def platform(
    postgres_server: PostgresServer, mlflow_server: str, address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Airflow, MlSettings]]:
    folder = tmp_path_factory.mktemp("retain")
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, _engine):
        airflow = Airflow(airflow_environment(folder, address, **environment_of(settings)))
        airflow.run("-m", "airflow", "db", "migrate")
        yield airflow, settings


@pytest.fixture(scope="module")
def airflow(platform: tuple[Airflow, MlSettings]) -> Airflow:
    return platform[0]


@pytest.fixture(scope="module")
def logs(airflow: Airflow) -> Path:
    return Path(airflow.environment["AIRFLOW_HOME"]) / "logs"


@pytest.fixture(scope="module")
def run(airflow: Airflow, engine: sa.Engine, logs: Path) -> Run:
    """The last of three runs. The first, its events and its log are 200 days old."""
    run_dags(airflow, "monitor_diabetes")
    with engine.begin() as connection:
        for table, column in DATED:
            moment = sa.column(column)
            connection.execute(sa.update(sa.table(table, moment)).values({column: moment - OLD}))
    run_dags(airflow, "monitor_diabetes")
    for name, age in (("old", OLD), ("new", timedelta())):
        path = logs / "dag_id=monitor_diabetes" / f"run_id={name}" / "attempt=1.log"
        path.parent.mkdir(parents=True)
        path.write_text("a line of a log")
        moment = (datetime.now(UTC) - age).timestamp()
        os.utime(path, (moment, moment))
        os.utime(path.parent, (moment, moment))
    (run,) = run_dags(airflow, DAG)
    return run


def old_rows(engine: sa.Engine, table: str, column: str) -> int:
    moment: sa.ColumnClause[datetime] = sa.column(column)
    old = sa.select(sa.func.count()).select_from(sa.table(table, moment)).where(moment < datetime.now(UTC) - OLD / 2)
    with engine.connect() as connection:
        return connection.scalar(old) or 0


def test_old_runs_and_events_leave_airflows_database_and_the_others_stay(run: Run, engine: sa.Engine) -> None:
    assert run.state == "success", run.log
    assert [old_rows(engine, *place) for place in DATED] == [0, 0, 0]
    with engine.connect() as connection:
        kept = connection.scalars(sa.text("SELECT dag_id FROM dag_run WHERE dag_id <> 'retain_diabetes'")).all()
    assert kept == ["monitor_diabetes"]


def test_no_copies_of_the_deleted_rows_stay(run: Run, engine: sa.Engine) -> None:
    assert [name for name in sa.inspect(engine).get_table_names() if name.startswith("_airflow_deleted")] == []


def test_old_task_logs_go_and_the_others_stay(run: Run, logs: Path) -> None:
    folder = logs / "dag_id=monitor_diabetes"
    assert not (folder / "run_id=old" / "attempt=1.log").exists()
    assert (folder / "run_id=new" / "attempt=1.log").exists()
    assert "1 files, 0.0 MB" in run.log


def test_nothing_that_the_command_would_delete_is_left(run: Run, platform: tuple[Airflow, MlSettings]) -> None:
    settings = platform[1]
    with warehouse(settings) as engine:
        assert set(count(engine, Limits(settings.retain_days), datetime.now(UTC)).values()) == {0}


def test_without_a_command_for_the_address_of_the_database_the_task_fails(
    airflow: Airflow, address: str, run: Run
) -> None:
    unknown = {name: value for name, value in airflow.environment.items() if not name.endswith("CONN_CMD")}
    own = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address}
    (failed,) = run_dags(Airflow(unknown | own), DAG)
    assert failed.state == "failed"
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD: must be set" in failed.log
