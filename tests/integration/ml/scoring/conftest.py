"""A database with encounters, and an MLflow with an approved version: a small forest that reads every field."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.registry.client import Registry
from ml.scoring.run import Job, Summary, score
from ml.training.models import RANDOM_FOREST, fit
from ml.warehouse.datasets import read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import bundle_of, empty, register_bundle
from tests.support.signing import approve

ROWS = 1_200


@dataclass(frozen=True)
class Platform:
    """The services, and the file whose encounters are in ``raw_data``."""

    settings: MlSettings
    engine: sa.Engine
    registry: Registry
    delivered: Path
    bundle: Path

    def score(
        self, source: Any = "raw_data", target: Any = "scores", version: str | None = None, **job: Any
    ) -> Summary:
        """Score in parts of 500."""
        job = {"rows_per_part": 500, **job}
        return score(
            self.settings, self.engine, self.registry, replace(Job(str(source), str(target), version), **job), "a test"
        )

    def rows(self, scoring: str = "") -> list[tuple[Any, ...]]:
        """Rows of the table, of a scoring or of all, without the number of the scoring."""
        condition = f"WHERE scoring_id = {scoring.rpartition(' ')[2]}" if scoring else ""
        query = f"SELECT * FROM scores {condition} ORDER BY scoring_id, row_number"  # noqa: S608
        with self.engine.connect() as connection:
            return [tuple(row)[1:] for row in connection.execute(sa.text(query))]

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a program that uses these services."""
        names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user", "mlflow_tracking_uri")
        values = {name.upper(): str(getattr(self.settings, name)) for name in names}
        return values | {"DIABETES_DB_PASSWORD": self.settings.diabetes_db_password.get_secret_value()}


@pytest.fixture(scope="session")
def cohort(
    postgres_server: PostgresServer, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MlSettings, sa.Engine, Path, Path]]:
    folder = tmp_path_factory.mktemp("scoring")
    delivered, bundle = folder / "delivered.csv", folder / "bundle"
    write_csv(delivered, ROWS, seed=296)
    bundle.mkdir()
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("file", delivered))
        data = read(engine)
        bundle_of(fit(RANDOM_FOREST, {"n_estimators": 8}, data.train, 1, masked=0), data.test, bundle)
        yield settings, engine, delivered, bundle


@pytest.fixture(scope="module")
def registry(cohort: tuple[MlSettings, sa.Engine, Path, Path], mlflow_server: str) -> Iterator[Registry]:
    """Versions 1 and 2 are approved."""
    empty(mlflow_server)
    registry = Registry(cohort[0])
    for _ in range(2):
        add_version(registry, cohort[3])
    yield registry
    empty(mlflow_server)


@pytest.fixture
def platform(cohort: tuple[MlSettings, sa.Engine, Path, Path], registry: Registry) -> Platform:
    """Version 1 is in production; the table is empty."""
    settings, engine, delivered, bundle = cohort
    registry.set_alias("production", "1")
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE scorings, scores"))
    return Platform(settings, engine, registry, delivered, bundle)


def add_version(registry: Registry, bundle: Path) -> str:
    """An approved version."""
    number = register_bundle(registry, bundle).number
    approve(registry, number)
    return number


def parquet(folder: Path) -> pd.DataFrame:
    """The rows of a folder of parts, in the order of the parts."""
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))], ignore_index=True)


def rows_of(folder: Path) -> list[tuple[Any, ...]]:
    """The same as PostgreSQL returns them: floats have the digits that tell them apart from others."""
    table = parquet(folder).astype(object)
    risks = [None if pd.isna(risk) else float(str(np.float32(risk))) for risk in table["readmission_risk"]]
    table["readmission_risk"] = pd.Series(risks, dtype=object)
    return [tuple(row) for row in table.where(table.notna(), None).itertuples(index=False)]
