"""Each DAG really runs, on a real PostgreSQL and a real MLflow, and again on the same data."""

import secrets

import pytest
import sqlalchemy as sa
from mlflow import MlflowClient

from infra.local.postgres import PostgresServer
from ml import migrations
from ml.names import MODEL_NAME
from ml.settings import MlSettings
from ml.warehouse.connection import transaction, warehouse
from ml.warehouse.datasets import current_version
from tests.support.airflow_home import Airflow, airflow_environment
from tests.support.mlflow import running_mlflow

SMALL = {
    "DATA_SOURCE": "synthetic",
    "SYNTHETIC_ROWS": "3000",
    "FOREST_TREES": "15",
    "BOOTSTRAP_SAMPLES": "50",
    "TUNE_TRIALS": "2",
    "TUNE_FOLDS": "2",
}


@pytest.fixture(scope="module")
def environment(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    password = secrets.token_urlsafe(12)
    for database in ("dag_runs_airflow", "dag_runs_diabetes", "dag_runs_mlflow"):
        postgres_server.ensure_database(database, database, password)
    home = tmp_path_factory.mktemp("airflow")
    return airflow_environment(
        home,
        postgres_server.url("dag_runs_airflow", "dag_runs_airflow", password),
        POSTGRES_HOST=postgres_server.host,
        POSTGRES_PORT=str(postgres_server.port),
        DIABETES_DB_NAME="dag_runs_diabetes",
        DIABETES_DB_USER="dag_runs_diabetes",
        DIABETES_DB_PASSWORD=password,
        DATA_DIR=str(home / "data"),
        MLFLOW_DATABASE=postgres_server.url("dag_runs_mlflow", "dag_runs_mlflow", password),
        **SMALL,
    )


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> MlSettings:
    fields = {name.lower(): value for name, value in environment.items() if name.lower() in MlSettings.model_fields}
    return MlSettings.load(**fields)


@pytest.fixture(scope="module")
def airflow(environment: dict[str, str], settings: MlSettings, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]  # noqa: ANN201
    with running_mlflow(environment["MLFLOW_DATABASE"], tmp_path_factory.mktemp("artifacts")) as address:
        found = Airflow({**environment, "MLFLOW_TRACKING_URI": address})
        found.run("-m", "airflow", "db", "migrate")
        with warehouse(settings) as engine:
            migrations.upgrade(engine)
        yield found


@pytest.fixture(scope="module")
def registry(airflow: Airflow) -> MlflowClient:
    return MlflowClient(airflow.environment["MLFLOW_TRACKING_URI"])


def versions(registry: MlflowClient) -> list[int]:
    return sorted(int(v.version) for v in registry.search_model_versions(f"name = '{MODEL_NAME}'"))


def test_training_before_the_first_ingestion_is_skipped(airflow: Airflow, registry: MlflowClient) -> None:
    assert "run ingest_diabetes" in airflow.test_dag("train_models_diabetes_simple")
    assert versions(registry) == []


def test_ingestion_fills_train_and_test_data_and_a_second_run_finds_nothing_new(
    airflow: Airflow, settings: MlSettings
) -> None:
    airflow.test_dag("ingest_diabetes")
    again = airflow.test_dag("ingest_diabetes")
    assert "othing new" in again
    with warehouse(settings) as engine, transaction(engine) as connection:
        version = current_version(connection)
        ingested = connection.exec_driver_sql("SELECT count(*) FROM ingestions").scalar_one()
        split = connection.scalar(
            sa.text("SELECT (SELECT count(*) FROM train_data) + (SELECT count(*) FROM test_data)")
        )
    assert ingested == 1
    assert split == version.train_rows + version.test_rows
    assert version.provenance == "synthetic"


def test_training_promotes_the_first_version_and_a_second_run_makes_no_other(
    airflow: Airflow, registry: MlflowClient
) -> None:
    airflow.test_dag("train_models_diabetes_simple")
    assert versions(registry) == [1]
    assert registry.get_model_version_by_alias(MODEL_NAME, "production").version == "1"
    again = airflow.test_dag("train_models_diabetes_simple")
    assert "othing new" in again
    assert versions(registry) == [1]


def test_the_search_runs_its_trials_refits_the_best_and_asks_the_gate(airflow: Airflow, registry: MlflowClient) -> None:
    airflow.test_dag("auto_model_train_diabetes")
    assert versions(registry) == [1, 2]
    assert registry.get_model_version(MODEL_NAME, "2").tags["gate.decision"] in ("promoted", "refused")
    again = airflow.test_dag("auto_model_train_diabetes")
    assert "othing new" in again
    assert versions(registry) == [1, 2]
