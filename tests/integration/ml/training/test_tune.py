"""The search: trials share a study in PostgreSQL, each slot runs once, and the test data are not used."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.errors import NoDataError, StaleInputError
from ml.core.settings import MlSettings
from ml.data.sources.delivery import Delivery
from ml.registry.client import Registry
from ml.training.code_version import code_version
from ml.training.models import FAMILIES, GRADIENT_BOOSTING
from ml.training.train import train
from ml.training.tune import Search, best, cross_validated, known_result, plan, run_trial
from ml.warehouse.datasets import read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.integration.ml.promotion.gates import delete_files
from tests.integration.ml.registries import empty
from tests.unit.ml.tables import write_delivery

World = tuple[MlSettings, sa.Engine]


@pytest.fixture(scope="module")
def searched(
    postgres_server: PostgresServer, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[MlSettings, sa.Engine, Search, list[float]]]:
    """A search of two trials, run."""
    folder = tmp_path_factory.mktemp("tune")
    with fresh_database(postgres_server, folder) as (settings, engine):
        ingest_file(engine, Delivery("synthetic", cohort_file))
        search = plan(settings, engine)
        yield settings, engine, search, [run_trial(settings, engine, search.study, slot) for slot in search.slots]


def trials(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM optuna.trials WHERE state = 'COMPLETE'")))


def test_trials_share_a_study_in_a_schema_of_its_own(
    searched: tuple[MlSettings, sa.Engine, Search, list[float]],
) -> None:
    _, engine, search, scores = searched

    assert search.slots == (0, 1)
    assert all(0.5 < score < 0.8 for score in scores)
    assert trials(engine) == 2
    assert "studies" not in sa.inspect(engine).get_table_names()


def test_a_completed_slot_is_not_run_again(searched: tuple[MlSettings, sa.Engine, Search, list[float]]) -> None:
    settings, engine, search, scores = searched

    assert [run_trial(settings, engine, search.study, slot) for slot in search.slots] == scores
    assert trials(engine) == 2


def test_planning_again_finds_the_same_search(searched: tuple[MlSettings, sa.Engine, Search, list[float]]) -> None:
    settings, engine, search, _ = searched

    assert plan(settings, engine) == search


def test_the_first_trial_is_boosting_with_its_defaults(
    searched: tuple[MlSettings, sa.Engine, Search, list[float]],
) -> None:
    _, engine, _, scores = searched
    with engine.connect() as connection:
        stored = connection.execute(
            sa.text(
                "SELECT value_json FROM optuna.trial_user_attributes JOIN optuna.trials USING (trial_id) "
                "WHERE key = 'parameters' ORDER BY number LIMIT 1"
            )
        ).scalar_one()
    used = sa.JSON().result_processor(engine.dialect, None)
    first = stored if used is None else used(stored)

    defaults = FAMILIES[GRADIENT_BOOSTING].defaults
    assert {name: first[name] for name in defaults} == dict(defaults)
    assert max(scores) >= scores[0]


def test_the_best_trial_has_parameters_to_refit(
    searched: tuple[MlSettings, sa.Engine, Search, list[float]],
) -> None:
    settings, _, search, scores = searched
    found = best(settings, search.study)

    assert found.auroc == max(scores)
    assert found.family in FAMILIES
    FAMILIES[found.family].estimator(**found.parameters)


def test_a_finished_search_is_known_once_its_result_is_registered(
    searched: tuple[MlSettings, sa.Engine, Search, list[float]], mlflow_server: str
) -> None:
    settings, engine, search, _ = searched
    settings = settings.model_copy(update={"mlflow_tracking_uri": mlflow_server})
    empty(mlflow_server)
    registry, found = Registry(settings), best(settings, search.study)

    assert known_result(settings, engine, registry) is None
    trained = train(settings, engine, registry, found.family, found.parameters)
    assert known_result(settings, engine, registry) == trained.version
    assert known_result(settings.model_copy(update={"tune_trials": 3}), engine, registry) is None, "a trial is missing"
    delete_files(mlflow_server, trained.version)
    assert known_result(settings, engine, registry) is None, "the files of the version are lost"
    empty(mlflow_server)


def test_the_name_of_a_search_contains_data_code_and_folds(
    searched: tuple[MlSettings, sa.Engine, Search, list[float]],
) -> None:
    settings, engine, search, _ = searched
    version = read(engine).version.data_version

    assert search.study == f"{version[:12]}-{code_version()[:12]}-2"
    assert plan(settings.model_copy(update={"tune_folds": 3}), engine).study.endswith("-3")


def test_other_data_make_another_search(world: World, tmp_path: Path) -> None:
    settings, engine = world
    names = set()
    for race in ("Asian", "Other"):
        rows = [{"encounter_id": 1, "race": race}]
        ingest_file(engine, Delivery("file", write_delivery(tmp_path / "delivered.csv", rows)))
        names.add(plan(settings, engine).study)

    assert len(names) == 2


def test_folds_are_scored_without_the_test_data(searched: tuple[MlSettings, sa.Engine, Search, list[float]]) -> None:
    settings, engine, _, _ = searched
    dataset = read(engine)
    closed = replace(dataset, test=dataset.test.head(0))
    small = {"n_estimators": 5}

    assert list(cross_validated(settings, closed, GRADIENT_BOOSTING, small)) == list(
        cross_validated(settings, dataset, GRADIENT_BOOSTING, small)
    )


def test_a_trial_of_a_search_on_older_data_is_refused(world: World, tmp_path: Path) -> None:
    settings, engine = world

    def deliver(race: str) -> None:
        delivered = write_delivery(tmp_path / "delivered.csv", [{"encounter_id": 1, "race": race}])
        ingest_file(engine, Delivery("file", delivered))

    deliver("Asian")
    study = plan(settings, engine).study
    deliver("Other")
    with pytest.raises(StaleInputError, match=r"^Search .* is of other data.*clear plan_search with the tasks after"):
        run_trial(settings, engine, study, 0)
    assert trials(engine) == 0


def test_a_search_without_data_is_refused(world: World) -> None:
    with pytest.raises(NoDataError, match=r"^There is no training data yet"):
        plan(*world)


def test_a_search_without_a_completed_trial_is_refused(world: World, tmp_path: Path) -> None:
    settings, engine = world
    ingest_file(engine, Delivery("file", write_delivery(tmp_path / "delivered.csv", [{}])))
    search = plan(settings, engine)

    with pytest.raises(NoDataError, match=r"has no completed trial: look at the logs of its trials\.$"):
        best(settings, search.study)
