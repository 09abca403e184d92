"""Scoring on a Dask cluster: the result is that of one process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from ml.compute.connection import connected
from ml.core.settings import MlSettings
from ml.scoring.parts import Scorer
from ml.scoring.targets import ParquetTarget
from ml.training.code_version import code_version
from tests.integration.ml.scoring.conftest import ROWS, Platform, rows_of
from tests.support.dask_cluster import DaskCluster, running_cluster

OTHER_PATIENTS = sa.text("UPDATE raw_data SET patient_nbr = patient_nbr + :offset")


@pytest.fixture(scope="module")
def cluster(
    cohort: tuple[MlSettings, sa.Engine, Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DaskCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), cohort[0], workers=2) as running:
        yield running


@pytest.fixture
def on_cluster(platform: Platform, cluster: DaskCluster) -> Platform:
    return replace(platform, settings=platform.settings.model_copy(update=cluster.settings))


@pytest.fixture
def delivered(platform: Platform, tmp_path: Path) -> Path:
    """The delivered encounters in a file, some of which are not valid."""
    table = pd.read_csv(platform.delivered, dtype=str, keep_default_na=False)
    table.loc[[3, 700], "gender"] = "unclear"
    table.to_csv(tmp_path / "records.csv", index=False)
    return tmp_path / "records.csv"


def after_the_first_part(monkeypatch: pytest.MonkeyPatch, action: Any) -> None:
    """Do something once the first part is written."""
    add = ParquetTarget.add

    def acting(target: ParquetTarget, *part: Any) -> None:
        add(target, *part)
        if target.rows == part[0].num_rows:
            action()

    monkeypatch.setattr(ParquetTarget, "add", acting)


def test_the_workers_score_and_the_result_is_that_of_one_process(
    platform: Platform, on_cluster: Platform, delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {name: platform.score(name, tmp_path / f"{Path(name).stem} alone") for name in ("raw_data", delivered)}
    monkeypatch.delattr(Scorer, "score")  # of this process
    for name, alone in expected.items():
        done = on_cluster.score(name, tmp_path / Path(name).stem)

        assert rows_of(tmp_path / Path(name).stem) == rows_of(tmp_path / f"{Path(name).stem} alone")
        assert (done.rows, done.invalid, done.errors) == (ROWS, alone.invalid, alone.errors)
    assert expected[delivered].invalid == 2


def test_a_worker_that_is_killed_costs_its_parts_and_not_the_run(
    platform: Platform, on_cluster: Platform, cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.score("raw_data", tmp_path / "alone")
    third = cluster.add_worker()
    with connected(on_cluster.settings, code_version) as workers:
        workers.client.wait_for_workers(3, timeout=120)
    after_the_first_part(monkeypatch, third.kill)
    done = on_cluster.score("raw_data", tmp_path / "scores", rows_per_part=100)

    assert third.wait(10) != 0
    assert done.rows == ROWS
    assert rows_of(tmp_path / "scores") == rows_of(tmp_path / "alone")


def test_all_workers_see_the_stays_that_were_stored_at_the_beginning(
    platform: Platform, on_cluster: Platform, delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve parts, of which two for each worker are read ahead."""

    def renumber(offset: int) -> None:
        with platform.engine.begin() as connection:
            connection.execute(OTHER_PATIENTS, {"offset": offset})

    platform.score(delivered, tmp_path / "alone")
    after_the_first_part(monkeypatch, lambda: renumber(1_000_000_000))
    try:
        on_cluster.score(delivered, tmp_path / "scores", rows_per_part=100)
    finally:
        renumber(-1_000_000_000)
    assert rows_of(tmp_path / "scores") == rows_of(tmp_path / "alone")
