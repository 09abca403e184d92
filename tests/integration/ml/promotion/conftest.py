"""A gate with a real database and registry, and models that are good, bad or unfair by construction."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.bundle import Bundle, digest_of, load_bundle
from ml.core.errors import BundleError
from ml.core.sandbox.process import Sandbox, sandboxed
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.evaluation import registered_version
from ml.promotion import approvals
from ml.registry.client import Registry
from ml.schema import ENCOUNTER_ID, PATIENT_ID, POSITIVE, TARGET
from ml.training.models import GRADIENT_BOOSTING, RiskModel, fit
from ml.warehouse.datasets import Dataset, read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.promotion.gates import MINORITY, Gate
from tests.integration.ml.registries import bundle_of, empty

TRIED: set[str] = set()
"""Digests of the bundles that have passed the sandbox in this process."""


@contextmanager
def sandboxed_once(directory: Path) -> Iterator[Sandbox | Bundle]:
    """The sandbox for files that are new, and the bundle in this process for those that passed it."""
    digest = ""
    with suppress(BundleError):  # a missing file: the sandbox gives the reason
        digest = digest_of(directory)
    if digest in TRIED:
        yield load_bundle(directory)
        return
    with sandboxed(directory) as sandbox:
        TRIED.add(digest)
        yield sandbox


@pytest.fixture(autouse=True)
def _each_bundle_passes_the_sandbox_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial takes two seconds of processor time, and a decision has several. `tests/security` has the sandbox."""
    for module in (approvals, registered_version):
        monkeypatch.setattr(module, "sandboxed", sandboxed_once)


@pytest.fixture(scope="session")
def gate_database(
    postgres_server: PostgresServer, mlflow_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MlSettings, sa.Engine]]:
    folder = tmp_path_factory.mktemp("gate")
    write_csv(folder / "cohort.csv", 8_000, seed=296)
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("file", folder / "cohort.csv"))
        yield settings, engine


@pytest.fixture
def gate(gate_database: tuple[MlSettings, sa.Engine], mlflow_server: str) -> Iterator[Gate]:
    """The gate with an empty registry and an empty ledger."""
    settings, engine = gate_database
    empty(mlflow_server)
    with engine.begin() as connection:
        connection.execute(sa.text("GRANT TRUNCATE ON gate_decisions TO CURRENT_USER; TRUNCATE gate_decisions"))
    yield Gate(settings, engine, Registry(settings))
    empty(mlflow_server)


@pytest.fixture(scope="session")
def dataset(gate_database: tuple[MlSettings, sa.Engine]) -> Dataset:
    return read(gate_database[1])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


def fitted(table: pd.DataFrame) -> RiskModel:
    small = {"n_estimators": 60, "learning_rate": 0.1, "max_leaves": 12, "min_child_weight": 5.0}
    return fit(GRADIENT_BOOSTING, small, table, 1, masked=0)


def bundled(model: RiskModel, dataset: Dataset, directory: Path) -> Path:
    directory.mkdir()
    return bundle_of(model, dataset.test, directory)


@pytest.fixture(scope="session")
def good_model(dataset: Dataset) -> RiskModel:
    return fitted(dataset.train)


@pytest.fixture(scope="session")
def good(good_model: RiskModel, dataset: Dataset, folder: Path) -> Path:
    return bundled(good_model, dataset, folder / "good")


@pytest.fixture(scope="session")
def weak(dataset: Dataset, folder: Path) -> Path:
    """Fitted with most fields shuffled between patients: calibrated, with a weak ranking."""
    kept = {"number_emergency", "discharge_disposition_id", "time_in_hospital", TARGET, PATIENT_ID, ENCOUNTER_ID}
    others = [name for name in dataset.train.columns if name not in kept]
    order = np.random.default_rng(3).permutation(len(dataset.train))
    shuffled = {name: dataset.train[name].to_numpy()[order] for name in others}
    return bundled(fitted(dataset.train.assign(**shuffled)), dataset, folder / "weak")


@pytest.fixture(scope="session")
def rebalanced(dataset: Dataset, folder: Path) -> Path:
    """Fitted without six of ten negatives: the risks are more than twice too high."""
    drawn = np.random.default_rng(1).random(len(dataset.train)) < 0.4
    kept = dataset.train[(dataset.train[TARGET] == POSITIVE) | drawn].reset_index(drop=True)
    return bundled(fitted(kept), dataset, folder / "rebalanced")


@pytest.fixture(scope="session")
def unfair(good_model: RiskModel, dataset: Dataset, folder: Path) -> Path:
    """Ranks most patients right, and a minority in reverse."""
    table = reversed_outcomes(good_model, dataset.train, of_minority(dataset.train))
    return bundled(fitted(table), dataset, folder / "unfair")


@pytest.fixture(scope="session")
def reversed_model(good_model: RiskModel, dataset: Dataset, folder: Path) -> Path:
    """Ranks that minority right, and all others in reverse."""
    table = reversed_outcomes(good_model, dataset.train, ~of_minority(dataset.train))
    return bundled(fitted(table), dataset, folder / "reversed")


def of_minority(table: pd.DataFrame) -> np.ndarray:
    return (table["race"] == MINORITY).fillna(False).to_numpy(dtype=bool)


def reversed_outcomes(model: RiskModel, table: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """The table with the positives of some rows moved to those with the lowest risks."""
    outcomes = table[TARGET].to_numpy(dtype=object, copy=True)
    risks = model.predict(table)[rows]
    turned_ones = np.full(len(risks), "NO", dtype=object)
    turned_ones[np.argsort(risks)[: int((outcomes[rows] == POSITIVE).sum())]] = POSITIVE
    outcomes[rows] = turned_ones
    return table.assign(**{TARGET: outcomes})
