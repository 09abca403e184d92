"""A field of one's own: a synthetic cohort, a small model, an empty registry and an empty log."""

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
from tests.integration.ml.monitoring.drift.field import Field
from tests.integration.ml.registries import bundle_of, empty

World = tuple[MlSettings, sa.Engine]


@pytest.fixture(scope="session")
def field_database(
    postgres_server: PostgresServer, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("field")
    write_csv(folder / "cohort.csv", 12_000, seed=297)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("file", folder / "cohort.csv"), folder)
        yield settings, engine


@pytest.fixture(scope="session")
def field_data(field_database: World) -> Dataset:
    return read(field_database[1])


@pytest.fixture(scope="session")
def field_bundle(field_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = {"n_estimators": 40, "learning_rate": 0.2, "max_leaves": 12}
    model = fit(GRADIENT_BOOSTING, small, field_data.train, 1, masked=1)
    return bundle_of(model, field_data.test, tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def field(field_database: World, field_data: Dataset, field_bundle: Path, mlflow_server: str) -> Iterator[Field]:
    settings, engine = field_database
    empty(mlflow_server)
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE predictions, monitor_runs CASCADE"))
    yield Field(settings, engine, Registry(settings), field_data, field_bundle)
    empty(mlflow_server)
