"""Training on a Dask cluster: scheduler and workers are processes, with mutual TLS, and read from PostgreSQL."""

import importlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.compute import connection
from ml.compute.connection import connected
from ml.compute.workers import THIS_PROCESS, Cluster, Workers
from ml.core.errors import ClusterError, ReproductionError, StaleInputError
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.evaluation.bootstrap import evaluate
from ml.features.tables import patients, target
from ml.registry.client import ModelVersion
from ml.training import boosting, ensembles
from ml.training.code_version import code_version
from ml.training.models import GRADIENT_BOOSTING, RANDOM_FOREST, fit
from ml.training.reproduce import _validate_origin
from ml.training.train import DASK_WORKERS
from ml.training.tune import plan, run_trials
from ml.warehouse import datasets
from ml.warehouse.datasets import Dataset, TrainingParts, read
from tests.integration.api.conftest import eventually
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.support.dask_cluster import ChangingParts, DaskCluster, KillingParts, running_cluster
from tests.support.haproxy import write_certificate

PARTS = 4
SMALL = {RANDOM_FOREST: {"n_estimators": 8}, GRADIENT_BOOSTING: {"n_estimators": 20, "learning_rate": 0.2}}


@dataclass(frozen=True)
class World:
    """A database whose training data are of several parts, and a cluster of two workers."""

    settings: MlSettings
    engine: sa.Engine
    dataset: Dataset
    cluster: DaskCluster


@pytest.fixture(scope="module")
def world(
    postgres_server: PostgresServer, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("dask")
    with pytest.MonkeyPatch.context() as patch, fresh_database(postgres_server, folder) as (settings, engine):
        patch.setattr(ensembles, "SHARE_BYTES", 1)  # each part grows trees of its own
        rows = ingest_file(engine, Delivery("synthetic", cohort_file)).train_rows
        patch.setattr(datasets, "PART_ROWS", -(-rows // PARTS))
        with running_cluster(folder, settings, workers=2) as cluster:
            settings = settings.model_copy(update=cluster.settings)
            yield World(settings, engine, read(engine), cluster)


@pytest.fixture
def workers(world: World) -> Iterator[Workers]:
    with connected(world.settings, code_version) as available:
        yield available


def predictions(world: World, family: str, workers: Workers) -> np.ndarray:
    return fit(family, SMALL[family], world.dataset.parts, 1, workers=workers).predict(world.dataset.test)


def test_the_parts_of_the_training_data_are_all_of_it_and_share_no_patient(world: World) -> None:
    parts = [world.dataset.parts[number] for number in range(len(world.dataset.parts))]
    whole = pd.concat(parts).sort_values("encounter_id", ignore_index=True)

    assert len(parts) == PARTS
    pd.testing.assert_frame_equal(whole.astype(world.dataset.train.dtypes), world.dataset.train)
    assert sum(len(set(patients(part))) for part in parts) == len(set(patients(whole)))


def test_a_forest_has_the_same_trees_on_a_cluster_as_in_one_process(world: World, workers: Workers) -> None:
    np.testing.assert_array_equal(*(predictions(world, RANDOM_FOREST, some) for some in (workers, THIS_PROCESS)))


def test_boosting_on_a_cluster_gives_the_same_trees_while_workers_can_count_all_values(
    world: World, workers: Workers
) -> None:
    """A feature of fewer values than a sketch keeps has the same bins, wherever its rows are."""
    on_cluster, alone = (predictions(world, GRADIENT_BOOSTING, some) for some in (workers, THIS_PROCESS))
    ranks = set(re.findall(r"got rank (\d)", world.cluster.log("worker")))

    np.testing.assert_allclose(on_cluster, alone, atol=1e-6)
    assert ranks == {"0", "1"}, "both workers have boosted"


def test_intervals_are_the_same_on_a_cluster(world: World, workers: Workers) -> None:
    test = world.dataset.test
    risks = np.random.default_rng(1).random(len(test))
    found = [evaluate(target(test), risks, patients(test), 120, workers=some) for some in (workers, THIS_PROCESS)]

    assert found[0] == found[1]


def test_a_killed_worker_costs_its_part_and_not_the_run(world: World, tmp_path: Path) -> None:
    expected = predictions(world, RANDOM_FOREST, THIS_PROCESS)
    marker = tmp_path / "killed"
    parts = KillingParts(world.dataset.parts, marker)
    with (
        running_cluster(tmp_path, world.settings, workers=2) as cluster,
        joined(cluster, world) as available,
    ):
        model = fit(RANDOM_FOREST, SMALL[RANDOM_FOREST], parts, 1, workers=available)
        ended = [worker for worker in cluster.workers if worker.poll() is not None]

    assert marker.exists()
    assert len(ended) == 1
    np.testing.assert_array_equal(model.predict(world.dataset.test), expected)


def test_boosting_begins_again_without_a_worker_that_was_killed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boosting, "SILENCE_SECONDS", 5)
    small = {**SMALL[GRADIENT_BOOSTING], "n_estimators": 400}
    with (
        running_cluster(tmp_path, world.settings, workers=2) as cluster,
        joined(cluster, world) as available,
    ):

        def kill() -> None:
            eventually(lambda: cluster.log("worker").count("got rank") == 2)
            cluster.workers[1].kill()

        with ThreadPoolExecutor(1) as pool:
            killing = pool.submit(kill)
            model = fit(GRADIENT_BOOSTING, small, world.dataset.parts, 1, workers=available)
            killing.result()

    alone = fit(GRADIENT_BOOSTING, small, world.dataset.parts, 1)
    assert "Attempt 1 to boost on the cluster failed" in caplog.text
    np.testing.assert_allclose(model.predict(world.dataset.test), alone.predict(world.dataset.test), atol=1e-6)


def test_boosting_begins_again_when_the_last_worker_is_lost_after_the_wait_for_it(
    world: World, workers: Workers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names, none = Cluster.names, [list[str]()]
    monkeypatch.setattr(Cluster, "names", lambda cluster: none.pop() if none else names(cluster))
    predictions(world, GRADIENT_BOOSTING, workers)

    assert "Attempt 1 to boost on the cluster failed: All workers of the Dask cluster were lost" in caplog.text


def test_an_error_of_a_part_is_that_of_the_training(world: World, workers: Workers, tmp_path: Path) -> None:
    """The third read of a part is the one that encodes it."""
    parts = ChangingParts(world.dataset.parts, tmp_path, reads=3)
    with pytest.raises(StaleInputError, match="changed"):
        fit(GRADIENT_BOOSTING, SMALL[GRADIENT_BOOSTING], parts, 1, workers=workers)


def test_workers_with_other_code_are_refused(world: World) -> None:
    with (
        pytest.raises(ClusterError, match="2 workers of the Dask cluster have other code"),
        connected(world.settings, lambda: str(os.getpid())),
    ):
        pass


def test_workers_that_cannot_import_the_code_are_refused_in_a_sentence(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code_of_the_client.py").write_text("def version():\n    return '1'\n")
    monkeypatch.syspath_prepend(tmp_path)
    with (
        pytest.raises(ClusterError, match="have other code, or none: start them anew"),
        connected(world.settings, importlib.import_module("code_of_the_client").version),
    ):
        pass


def test_a_model_that_was_boosted_on_a_cluster_is_not_reproduced_but_says_why() -> None:
    version = ModelVersion("7", "run", {DASK_WORKERS: "2", "algorithm": "XGBoost"}, ())
    with pytest.raises(ReproductionError, match="Version 7 was boosted on 2 workers"):
        _validate_origin(version, "")


def test_without_the_scheduler_the_training_ends_in_a_sentence(world: World, tmp_path: Path) -> None:
    with (
        running_cluster(tmp_path, world.settings, workers=1) as cluster,
        joined(cluster, world) as available,
    ):
        parts = KillingParts(world.dataset.parts, tmp_path / "killed", cluster.scheduler.pid)
        with pytest.raises(ClusterError, match="scheduler was lost, and the work with it: try again"):
            fit(RANDOM_FOREST, SMALL[RANDOM_FOREST], parts, 1, workers=available)


def test_a_scheduler_answers_nobody_without_a_certificate_of_its_authority(world: World, tmp_path: Path) -> None:
    foreign = write_certificate(tmp_path / "foreign.pem")
    settings = world.settings.model_copy(update={"dask_certificate_file": foreign})

    with pytest.raises(ClusterError, match="does not answer"), connected(settings, code_version):
        pass


def test_without_workers_a_training_ends_in_a_sentence(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_SECONDS", 5)
    with (
        running_cluster(tmp_path, world.settings, workers=0) as cluster,
        pytest.raises(ClusterError, match="has no workers: start one"),
        joined(cluster, world),
    ):
        pass


def test_a_worker_does_not_train_on_data_that_were_changed_since(world: World, workers: Workers) -> None:
    version = replace(world.dataset.version, data_version="0" * 64)
    with pytest.raises(StaleInputError, match="changed while a model was trained on them"):
        fit(RANDOM_FOREST, SMALL[RANDOM_FOREST], TrainingParts(world.engine, version), 1, workers=workers)


def test_the_trials_of_a_search_run_on_the_cluster_each_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    search = plan(world.settings, world.engine)
    scores = list(run_trials(world.settings, world.engine, search.study, search.slots))

    assert all(0.5 < score < 0.8 for score in scores)
    assert [f"Trial {slot}: " in caplog.text for slot in search.slots] == [True, True], "the log of the workers"
    assert list(run_trials(world.settings, world.engine, search.study, search.slots)) == scores
    with world.engine.connect() as database:
        slots = database.scalars(
            sa.text("SELECT value_json FROM optuna.trial_user_attributes WHERE key = 'slot' ORDER BY value_json")
        )
        assert list(slots) == ["0", "1"]


def joined(cluster: DaskCluster, world: World) -> AbstractContextManager[Workers]:
    """The workers of another cluster."""
    return connected(world.settings.model_copy(update=cluster.settings), code_version)
