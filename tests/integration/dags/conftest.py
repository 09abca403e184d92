"""Airflow with a real PostgreSQL and a real MLflow."""

import secrets
from collections.abc import Iterator

import pytest

from infra.local.postgres.cluster import PostgresServer
from ml import migrations
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse
from tests.support.airflow_home import Airflow, airflow_environment
from tests.support.mlflow import running_mlflow
from tests.support.postgres import database_url

SMALL = {
    "DATA_SOURCE": "synthetic",
    "SYNTHETIC_ROWS": "3000",
    "FOREST_TREES": "15",
    "BOOTSTRAP_SAMPLES": "50",
    "TUNE_TRIALS": "2",
    "TUNE_FOLDS": "2",
}


@pytest.fixture(scope="session")
def environment(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    password = secrets.token_urlsafe(12)
    for database in ("dag_runs_airflow", "dag_runs_diabetes", "dag_runs_mlflow"):
        postgres_server.ensure_database(database, database, password)
    home = tmp_path_factory.mktemp("airflow")
    return airflow_environment(
        home,
        database_url(postgres_server, "dag_runs_airflow", "dag_runs_airflow", password),
        POSTGRES_HOST=postgres_server.host,
        POSTGRES_PORT=str(postgres_server.port),
        DIABETES_DB_NAME="dag_runs_diabetes",
        DIABETES_DB_USER="dag_runs_diabetes",
        DIABETES_DB_PASSWORD=password,
        DATA_DIR=str(home / "data"),
        MLFLOW_DATABASE=database_url(postgres_server, "dag_runs_mlflow", "dag_runs_mlflow", password),
        **SMALL,
    )


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> MlSettings:
    fields = {name.lower(): value for name, value in environment.items() if name.lower() in MlSettings.model_fields}
    return MlSettings.load(**fields)


@pytest.fixture(scope="session")
def airflow(
    environment: dict[str, str], settings: MlSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Airflow]:
    with running_mlflow(environment["MLFLOW_DATABASE"], tmp_path_factory.mktemp("artifacts")) as address:
        found = Airflow({**environment, "MLFLOW_TRACKING_URI": address})
        found.run("-m", "airflow", "db", "migrate")
        with warehouse(settings) as engine:
            migrations.upgrade(engine)
        yield found
