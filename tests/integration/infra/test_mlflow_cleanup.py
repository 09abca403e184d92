"""What was deleted in MLflow goes for good, and nothing that a registered version needs; on a real server."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import sqlalchemy as sa
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from infra.local.postgres.cluster import PostgresServer
from ml.core.names import MODEL_NAME
from ml.core.settings import MlflowSettings
from ml.registry.client import ModelVersion, Registry
from ml.registry.deletion import DeletingRegistry
from tests.conftest import ROLE_PASSWORD
from tests.integration.api.bundles import write_bundle
from tests.integration.ml.registries import empty, register_bundle
from tests.support.mlflow import running_mlflow
from tests.support.native import ROOT
from tests.support.postgres import database_url

ROWS = "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM logged_models) + (SELECT count(*) FROM metrics)"


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> str:
    postgres_server.ensure_database("mlflow_cleanup", "mlflow_cleanup", ROLE_PASSWORD)
    return database_url(postgres_server, "mlflow_cleanup", "mlflow_cleanup", ROLE_PASSWORD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow-cleanup")


@pytest.fixture(scope="module")
def address(database: str, folder: Path) -> Iterator[str]:
    with running_mlflow(database, folder) as address:
        yield address


@pytest.fixture
def registry(address: str, database: str, monkeypatch: pytest.MonkeyPatch) -> DeletingRegistry:
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    empty(address)
    return DeletingRegistry(MlflowSettings.load(_env_file=None, mlflow_tracking_uri=address))


def version(registry: Registry, folder: Path) -> ModelVersion:
    return register_bundle(registry, write_bundle(folder / "bundle"))


def model_of(number: str) -> str:
    return str(MlflowClient().get_model_version(MODEL_NAME, number).source).removeprefix("models:/")


def count(database: str) -> int:
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        found = connection.scalar(sa.text(ROWS))
    engine.dispose()
    return found or 0


def delete_for_good(days: float) -> tuple[int, ...]:
    """Numbers of runs and logged models that the command deletes; it runs in a process of its own."""
    command = [sys.executable, "-m", "infra.mlflow_cleanup", str(days)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return tuple(map(int, re.findall(r"Deleted for good: (\d+) runs, (\d+) logged models", done.stdout)[0]))


def test_what_retention_deleted_leaves_no_rows(registry: DeletingRegistry, database: str, tmp_path: Path) -> None:
    before = count(database)
    gone = version(registry, tmp_path)
    with registry.run("monitoring", {}) as run:
        registry.log_results({"a": 1}, {"b": 2})
        registry.log_text("a report", "report.html")
    registry.delete_version(gone.number)
    registry.delete_run(run)
    assert count(database) > before

    assert delete_for_good(1) == (0, 0)  # a day has not passed
    assert delete_for_good(0) == (2, 1)
    assert count(database) == before
    assert delete_for_good(0) == (0, 0)


def test_a_run_that_somebody_deleted_goes_with_its_files(registry: DeletingRegistry, folder: Path) -> None:
    with registry.run("by hand", {}) as run:
        registry.log_text("a report", "report.html")
    MlflowClient().delete_run(run)
    assert list((folder / "artifacts").rglob(f"{run}/artifacts/report.html"))

    assert delete_for_good(0) == (1, 0)
    assert not list((folder / "artifacts").rglob(f"{run}/artifacts/*"))
    with pytest.raises(MlflowException, match="not found"):
        mlflow.get_run(run)


def test_a_registered_version_keeps_its_files_though_somebody_deleted_its_run_and_its_model(
    registry: DeletingRegistry, tmp_path: Path
) -> None:
    kept = version(registry, tmp_path)
    MlflowClient().delete_run(kept.run_id)
    MlflowClient().delete_logged_model(model_of(kept.number))

    assert delete_for_good(0) == (0, 0)
    assert mlflow.get_run(kept.run_id).info.lifecycle_stage == "deleted"
    with registry.download(kept.number) as bundle:
        assert (bundle / "model.onnx").exists()


def test_a_deleted_experiment_stays_with_the_versions_in_it(registry: DeletingRegistry, tmp_path: Path) -> None:
    kept = version(registry, tmp_path)
    experiment = mlflow.get_run(kept.run_id).info.experiment_id
    MlflowClient().delete_experiment(experiment)
    try:
        delete_for_good(0)
        with registry.download(kept.number) as bundle:
            assert (bundle / "model.onnx").exists()
    finally:
        MlflowClient().restore_experiment(experiment)
