"""Fixtures with real servers: databases and the genuine data."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from tests.integration.ml.databases import fresh_database, ingest_file


@pytest.fixture
def world(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[tuple[MlSettings, sa.Engine]]:
    """A fresh, migrated database."""
    with fresh_database(postgres_server, tmp_path / "data") as found:
        yield found


@pytest.fixture
def engine(world: tuple[MlSettings, sa.Engine]) -> sa.Engine:
    return world[1]


@pytest.fixture(scope="session")
def genuine(
    postgres_server: PostgresServer, genuine_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MlSettings, sa.Engine]]:
    """A database with the genuine data, ingested and split; read-only."""
    folder = tmp_path_factory.mktemp("genuine")
    with fresh_database(postgres_server, folder, train_jobs=2) as (settings, engine):
        ingest_file(engine, Delivery("file", genuine_file))
        yield settings, engine


@pytest.fixture(scope="session")
def cohort_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 synthetic encounters."""
    path = tmp_path_factory.mktemp("cohort") / "cohort.csv"
    write_csv(path, 3_000, seed=296)
    return path
