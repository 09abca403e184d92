"""The gate on a real registry: who becomes production, who does not, and the way back."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from sklearn.pipeline import Pipeline

from infra.local.postgres import PostgresServer
from ml.bundle import GOLDEN_FILE, MANIFEST_FILE, sha256_of
from ml.errors import BundleError, RegistryError
from ml.features import model_inputs, target
from ml.gate import measure, predict, roll_back, run_gate
from ml.models import GRADIENT_BOOSTING, build
from ml.names import CHALLENGER, PRODUCTION
from ml.registry import Registry, Version
from ml.settings import MlSettings
from ml.sources import Delivery
from ml.warehouse.connection import alone
from ml.warehouse.datasets import Dataset, read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.registries import alias_answer, bundle_of, empty, register_bundle

World = tuple[MlSettings, sa.Engine]


@pytest.fixture(scope="module")
def world(
    postgres_server: PostgresServer, mlflow_server: str, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gate")
    with fresh_database(postgres_server, folder, mlflow_tracking_uri=mlflow_server) as (settings, engine):
        ingest_file(engine, Delivery("file", cohort_file), folder)
        yield settings, engine


@pytest.fixture(scope="module")
def dataset(world: World) -> Dataset:
    return read(world[1])


@pytest.fixture(scope="module")
def good(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_of(fitted(dataset, target(dataset.train)), dataset.test, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def bad(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of shuffled outcomes."""
    shuffled = np.random.default_rng(0).permutation(target(dataset.train))
    return bundle_of(fitted(dataset, shuffled), dataset.test, tmp_path_factory.mktemp("bad"))


def fitted(dataset: Dataset, labels: np.ndarray) -> Pipeline:
    return build(GRADIENT_BOOSTING, {"max_iter": 15}, jobs=1).fit(model_inputs(dataset.train), labels)


@pytest.fixture
def registry(world: World, mlflow_server: str) -> Iterator[Registry]:
    """The registry, without any version."""
    empty(mlflow_server)
    yield Registry(world[0])
    empty(mlflow_server)


@pytest.fixture
def registered(registry: Registry) -> Callable[..., Version]:
    """Registers a bundle."""
    return lambda bundle, provenance="real": register_bundle(registry, bundle, provenance)


def production(registry: Registry) -> str | None:
    found = registry.by_alias(PRODUCTION)
    return found.number if found else None


def test_a_better_version_is_promoted_without_a_moment_between_and_can_be_withdrawn(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path, bad: Path, mlflow_server: str
) -> None:
    run_gate(*world, registry, registered(bad).number)
    registered(good)
    with watched_alias(mlflow_server) as seen:
        outcome = run_gate(*world, registry, "2")

    assert outcome.decision.promote
    assert outcome.decision.reason.startswith("AUROC 0.")
    assert set(seen) == {"1", "2"}, "the alias was there all the time"
    assert production(registry) == "2"
    assert registry.version("2").tags["gate.replaced"] == "1"

    assert roll_back(registry) == ("2", "1")
    assert production(registry) == "1"
    assert "gate.rolled_back" in registry.version("2").tags
    judged = run_gate(*world, registry, "2")
    assert (judged.new, judged.decision.promote) == (False, False)
    assert judged.decision.reason.startswith("it was withdrawn on ")
    assert production(registry) == "1"
    with pytest.raises(RegistryError, match=r"^Version 1 replaced no other version, so there is nothing to go back to"):
        roll_back(registry)


class watched_alias:  # noqa: N801  used like a function
    """Asks for the production alias as often as it can; yields the answers: version numbers, or a status."""

    def __init__(self, address: str) -> None:
        self._address, self._end, self.seen = address, threading.Event(), list[str]()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._end.is_set():
            self._ask()
        self._ask()

    def _ask(self) -> None:
        answer = alias_answer(self._address, PRODUCTION)
        self.seen.append(answer.json()["model_version"]["version"] if answer.is_success else str(answer.status_code))

    def __enter__(self) -> list[str]:
        self._thread.start()
        while not self.seen:
            time.sleep(0.01)
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def test_a_worse_version_is_refused_and_production_stays(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path, bad: Path
) -> None:
    run_gate(*world, registry, registered(good).number)
    outcome = run_gate(*world, registry, registered(bad).number)
    tags = registry.version("2").tags

    assert not outcome.decision.promote
    assert tags["gate.decision"] == "refused"
    assert "is not better than" in tags["gate.reason"]
    assert "gate.replaced" not in tags
    assert production(registry) == "1"


def test_a_version_of_synthetic_data_never_replaces_one_of_real_data(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path, bad: Path
) -> None:
    run_gate(*world, registry, registered(bad, "real").number)
    outcome = run_gate(*world, registry, registered(good, "synthetic").number)

    assert not outcome.decision.promote
    assert production(registry) == "1"


def test_a_version_of_real_data_replaces_one_of_synthetic_data(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path, bad: Path
) -> None:
    run_gate(*world, registry, registered(good, "synthetic").number)
    outcome = run_gate(*world, registry, registered(bad, "real").number)

    assert outcome.decision.promote
    assert production(registry) == "2"


def test_a_version_whose_golden_requests_fail_is_refused(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path, tmp_path: Path
) -> None:
    spoilt = Path(shutil.copytree(good, tmp_path / "spoilt"))
    golden = json.loads((spoilt / GOLDEN_FILE).read_text())
    golden["requests"][0]["probability"] += 0.01
    (spoilt / GOLDEN_FILE).write_text(json.dumps(golden))
    manifest = json.loads((spoilt / MANIFEST_FILE).read_text())
    manifest["files"][GOLDEN_FILE] = sha256_of(spoilt / GOLDEN_FILE)
    (spoilt / MANIFEST_FILE).write_text(json.dumps(manifest))

    outcome = run_gate(*world, registry, registered(spoilt).number)

    assert not outcome.decision.promote
    assert outcome.decision.reason.startswith("the bundle is not sound: The golden requests fail")
    assert production(registry) is None
    with pytest.raises(BundleError, match=r"^Version 1 is not sound: The golden requests fail"):
        measure(*world, registry, "1")


def test_a_gate_that_was_interrupted_is_finished_by_the_next(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path, bad: Path
) -> None:
    run_gate(*world, registry, registered(bad).number)
    registered(good)
    registry.tag("2", {"gate.replaced": "1"})
    registry.point(PRODUCTION, "2")  # and here it ended

    outcome = run_gate(*world, registry, "2")

    assert outcome.decision.promote
    assert registry.version("2").tags["gate.decision"] == "promoted"
    assert roll_back(registry) == ("2", "1")


def test_an_empty_registry_is_told_in_one_sentence_each(world: World, registry: Registry) -> None:
    with pytest.raises(RegistryError, match=r"^There is no challenger: run train_models_diabetes_simple"):
        run_gate(*world, registry)
    with pytest.raises(RegistryError, match=r"^There is no production version to roll back\.$"):
        roll_back(registry)
    with pytest.raises(RegistryError, match=r"^There is no production model yet: run train_models_diabetes_simple\.$"):
        predict(registry, [{}])
    with pytest.raises(RegistryError, match=r"^MLflow at http://127\.0\.0\.1:\d+ says: .*not found") as told:
        registry.version("77")
    assert "\n" not in str(told.value)
    assert registry.by_alias(CHALLENGER) is None
    assert registry.versions() == []


def test_a_rollback_never_puts_synthetic_over_real(
    world: World, registry: Registry, registered: Callable[..., Version], good: Path
) -> None:
    synthetic, real = registered(good, "synthetic"), registered(good, "real")
    registry.point(PRODUCTION, real.number)
    registry.tag(real.number, {"gate.replaced": synthetic.number})

    with pytest.raises(RegistryError, match=r"trained on synthetic data, which never replaces real data"):
        roll_back(registry)

    held = registry.by_alias(PRODUCTION)
    assert held is not None
    assert held.number == real.number


def test_two_gates_wait_for_each_other(world: World) -> None:
    entered = threading.Event()

    def other() -> None:
        with alone(world[1]):
            entered.set()

    with alone(world[1]):
        waiting = threading.Thread(target=other)
        waiting.start()
        assert not entered.wait(0.5)
    waiting.join(10)
    assert entered.is_set()


def test_files_that_are_gone_are_told_in_one_sentence(
    registry: Registry, registered: Callable[..., Version], good: Path, mlflow_server: str
) -> None:
    version = registered(good)
    where = {"name": "diabetes-readmission", "version": version.number}
    api = f"{mlflow_server}/api/2.0"
    uri = httpx.get(f"{api}/mlflow/model-versions/get-download-uri", params=where).json()["artifact_uri"]
    path = uri.removeprefix("mlflow-artifacts:/").lstrip("/")
    httpx.delete(f"{api}/mlflow-artifacts/artifacts/{path}").raise_for_status()

    with pytest.raises((RegistryError, BundleError)) as told:
        predict(registry, [{}], version.number)
    assert "\n" not in str(told.value)


def test_a_server_that_is_away_is_told_in_bounded_time(world: World) -> None:
    away = Registry(world[0].model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:18498"}))
    started = time.monotonic()

    with pytest.raises(RegistryError) as told:
        away.by_alias(PRODUCTION)

    assert time.monotonic() - started < 40
    assert str(told.value) == (
        "MLflow at http://127.0.0.1:18498 does not answer: start it, or correct MLFLOW_TRACKING_URI."
    )
