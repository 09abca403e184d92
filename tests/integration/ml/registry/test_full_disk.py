"""Training while MLflow's disk of artifacts is full."""

from pathlib import Path

import pytest

from infra.local.postgres.cluster import PostgresServer
from ml.core.errors import RegistryError
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.registry.client import Registry
from ml.training.models import RANDOM_FOREST
from ml.training.train import Trained, train
from tests.conftest import ROLE_PASSWORD
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.support.mlflow import running_mlflow
from tests.support.postgres import database_url
from tests.support.small_disks import filled, small_disk


def test_training_ends_with_one_sentence_leaves_no_version_and_succeeds_when_there_is_space(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    write_csv(tmp_path / "cohort.csv", 3_000, seed=5)
    postgres_server.ensure_database("mlflow_small", "mlflow", ROLE_PASSWORD)
    url = database_url(postgres_server, "mlflow_small", "mlflow", ROLE_PASSWORD)
    with (
        small_disk(tmp_path / "mlflow" / "artifacts", 64) as disk,
        running_mlflow(url, tmp_path / "mlflow") as address,
        fresh_database(postgres_server, tmp_path, mlflow_tracking_uri=address) as (settings, engine),
    ):
        ingest_file(engine, Delivery("file", tmp_path / "cohort.csv"))
        registry = Registry(settings)
        with filled(disk), pytest.raises(RegistryError) as refused:
            train(settings, engine, registry, RANDOM_FOREST, {})
        assert str(refused.value) == (
            f"MLflow at {address} fails (status 500): its log has the reason, for example a full disk of the artifacts."
        )
        assert registry.versions() == []

        assert train(settings, engine, registry, RANDOM_FOREST, {}) == Trained("1", new=True)
        assert train(settings, engine, registry, RANDOM_FOREST, {}) == Trained("1", new=False)
