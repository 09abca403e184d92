"""Fresh, migrated databases that are dropped afterwards."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml import migrations
from ml.core.settings import MlSettings
from ml.data.ingest import validate_delivery
from ml.data.load import Ingested, load
from ml.data.sources.delivery import Delivery
from ml.data.split import Split, split
from ml.data.staging import StagedRows
from ml.warehouse.connection import warehouse

ROLE, PASSWORD = "diabetes_ml", secrets.token_urlsafe(16)


@contextmanager
def fresh_database(server: PostgresServer, data_dir: Path, **more: Any) -> Iterator[tuple[MlSettings, sa.Engine]]:
    """Settings and engine of a migrated database, with small models."""
    name = f"ml_{secrets.token_hex(6)}"
    server.ensure_database(name, ROLE, PASSWORD)
    quick = {"forest_trees": 12, "bootstrap_samples": 50, "tune_trials": 2, "tune_folds": 2, "train_jobs": 1}
    settings = MlSettings.load(
        _env_file=None,
        postgres_host=server.host,
        postgres_port=server.port,
        diabetes_db_name=name,
        diabetes_db_user=ROLE,
        diabetes_db_password=PASSWORD,
        data_dir=data_dir,
        **{**quick, **more},
    )
    try:
        with warehouse(settings) as engine:
            migrations.upgrade(engine)
            yield settings, engine
    finally:
        server.drop_database(name)


def validate_file(engine: sa.Engine, delivery: Delivery, max_rejected_share: float = 0.5) -> StagedRows:
    """Validate a delivered file."""
    settings = MlSettings.load(_env_file=None, diabetes_db_password="unused", max_rejected_share=max_rejected_share)
    return validate_delivery(settings, engine, delivery)


def load_file(engine: sa.Engine, delivery: Delivery) -> Ingested:
    """Validate and load a delivered file."""
    return load(engine, delivery, validate_file(engine, delivery))


def ingest_file(engine: sa.Engine, delivery: Delivery) -> Split:
    """Validate, load and split a delivered file."""
    load_file(engine, delivery)
    return split(engine)


def dump(engine: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the ingestion tables."""
    tables = ("ingestions", "raw_data", "train_data", "test_data", "rejected_rows")
    with engine.connect() as connection:
        return {
            table: [tuple(row) for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1"))]  # noqa: S608
            for table in tables
        }


def count(engine: sa.Engine, table: str, condition: str = "true") -> int:
    """Number of rows of a table."""
    with engine.connect() as connection:
        return int(connection.scalar(sa.text(f"SELECT count(*) FROM {table} WHERE {condition}")))  # noqa: S608
