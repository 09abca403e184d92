"""Reproduction: equal predictions, and one error for each reason why a version cannot be reproduced."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.errors import RegistryError
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.registry.client import Registry
from ml.training.code_version import code_version
from ml.training.models import GRADIENT_BOOSTING, RANDOM_FOREST
from ml.training.reproduce import ReproductionError, reproduce
from ml.training.train import train
from ml.warehouse.datasets import read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import empty


@dataclass(frozen=True)
class Trained:
    """Two trained versions: 1 is a forest, 2 is boosted."""

    settings: MlSettings
    engine: sa.Engine
    registry: Registry
    folder: Path

    def tags(self, number: str) -> dict[str, str]:
        return self.registry.version(number).tags


@pytest.fixture(scope="module")
def trained(
    postgres_server: PostgresServer, mlflow_server: str, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("reproduce")
    empty(mlflow_server)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("synthetic", cohort_file))
        registry = Registry(settings)
        # A text, a fraction and a whole number, to come back from MLflow's texts as they were.
        forest = {"n_estimators": 10, "max_features": "sqrt", "max_samples": 1 / 3}
        assert train(settings, engine, registry, RANDOM_FOREST, forest).version == "1"
        boosted = {"n_estimators": 10, "reg_lambda": 1e-3}
        assert train(settings, engine, registry, GRADIENT_BOOSTING, boosted).version == "2"
        yield Trained(settings, engine, registry, folder)
    empty(mlflow_server)


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_version_trained_again_gives_equal_predictions(trained: Trained, number: str) -> None:
    done = reproduce(trained.settings, trained.engine, trained.registry, number)

    assert done.encounters == len(read(trained.engine).test)
    assert done.difference <= 1e-6


def test_other_code_is_named_beside_the_code_in_place(trained: Trained) -> None:
    logged = trained.tags("1")["code_version"]
    trained.registry.set_tags("1", {"code_version": "c" * 64})
    try:
        with pytest.raises(ReproductionError) as reported:
            reproduce(trained.settings, trained.engine, trained.registry, "1")
    finally:
        trained.registry.set_tags("1", {"code_version": logged})

    assert str(reported.value) == (
        f"Version 1 was trained with code version cccccccccccc and this is {code_version()[:12]}: check out the code, "
        "and install the libraries, of its training."
    )


def test_parameters_that_do_not_match_the_fingerprint_are_refused(trained: Trained) -> None:
    logged = trained.tags("1")["fingerprint"]
    trained.registry.set_tags("1", {"fingerprint": "f" * 64})
    try:
        with pytest.raises(ReproductionError, match=r"^The parameters that run \w+ logged do not match"):
            reproduce(trained.settings, trained.engine, trained.registry, "1")
    finally:
        trained.registry.set_tags("1", {"fingerprint": logged})


def test_different_predictions_are_reported_with_the_difference(trained: Trained) -> None:
    """Version 1 with the run and the fingerprint of version 2 claims to be what it is not."""
    own, other = trained.registry.version("1"), trained.registry.version("2")

    class Mistaken(Registry):
        def params(self, run_id: str) -> dict[str, str]:
            return super().params(other.run_id if run_id == own.run_id else run_id)

    trained.registry.set_tags("1", {"fingerprint": other.tags["fingerprint"]})
    try:
        with pytest.raises(ReproductionError, match=r"^Version 1 is not reproduced: .* differs by 0\.\d+, allowed are"):
            reproduce(trained.settings, trained.engine, Mistaken(trained.settings), "1")
    finally:
        trained.registry.set_tags("1", {"fingerprint": own.tags["fingerprint"]})


def test_a_missing_version_is_reported(trained: Trained) -> None:
    with pytest.raises(RegistryError, match="not found"):
        reproduce(trained.settings, trained.engine, trained.registry, "9")


def test_other_data_are_named_beside_the_data_in_place(
    trained: Trained, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    write_csv(tmp_path / "other.csv", 1_000, seed=7)
    with fresh_database(postgres_server, tmp_path) as (_, engine):
        ingest_file(engine, Delivery("synthetic", tmp_path / "other.csv"))
        present = read(engine).version.data_version
        with pytest.raises(ReproductionError) as reported:
            reproduce(trained.settings, engine, trained.registry, "1")

    assert str(reported.value) == (
        f"Version 1 was trained on data version {trained.tags('1')['data_version'][:12]} and the database holds "
        f"{present[:12]}: ingest that delivery again, or use the database that has it."
    )
