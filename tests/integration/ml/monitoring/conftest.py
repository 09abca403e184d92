"""A deployed model: a synthetic cohort, a small model, an empty registry and an empty prediction log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.registry.client import Registry
from ml.training.models import GRADIENT_BOOSTING, fit
from ml.warehouse.datasets import Dataset, read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.monitoring.deployment import Deployment
from tests.integration.ml.registries import bundle_of, empty

World = tuple[MlSettings, sa.Engine]


@pytest.fixture(scope="session")
def deployment_database(
    postgres_server: PostgresServer, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("deployment")
    write_csv(folder / "cohort.csv", 12_000, seed=297)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("file", folder / "cohort.csv"))
        yield settings, engine


@pytest.fixture(scope="session")
def deployment_data(deployment_database: World) -> Dataset:
    return read(deployment_database[1])


@pytest.fixture(scope="session")
def deployment_bundle(deployment_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = {"n_estimators": 40, "learning_rate": 0.2, "max_leaves": 12}
    model = fit(GRADIENT_BOOSTING, small, deployment_data.train, 1, masked=1)
    return bundle_of(model, deployment_data.test, tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def deployment(
    deployment_database: World, deployment_data: Dataset, deployment_bundle: Path, mlflow_server: str
) -> Iterator[Deployment]:
    settings, engine = deployment_database
    empty(mlflow_server)
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE predictions, monitor_runs CASCADE"))
    yield Deployment(settings, engine, Registry(settings), deployment_data, deployment_bundle)
    empty(mlflow_server)
