"""The genuine 101,766 encounters, all the way to a model."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from ml.evaluate import evaluate
from ml.export import parity, probabilities, write_bundle
from ml.features import model_inputs, patients, target
from ml.models import GRADIENT_BOOSTING, RANDOM_FOREST, build
from ml.schema import GENUINE_ROWS
from ml.settings import MlSettings
from ml.warehouse.datasets import Dataset, read
from tests.integration.ml.databases import count
from tests.integration.ml.registries import MANIFEST

World = tuple[MlSettings, sa.Engine]


@pytest.fixture(scope="module")
def dataset(genuine: World) -> Dataset:
    return read(genuine[1])


def test_every_genuine_row_is_sound(genuine: World) -> None:
    _, engine = genuine

    assert count(engine, "raw_data") == GENUINE_ROWS == 101_766
    assert count(engine, "rejected_rows") == 0


def test_train_and_test_hold_all_who_can_return(dataset: Dataset) -> None:
    assert len(dataset.train) + len(dataset.test) == 99_343
    assert target(dataset.train).sum() + target(dataset.test).sum() == 11_314
    assert len(dataset.test) / 99_343 == pytest.approx(0.2, abs=0.01)


def test_no_patient_is_on_both_sides(dataset: Dataset) -> None:
    train, test = set(patients(dataset.train)), set(patients(dataset.test))

    assert train.isdisjoint(test)
    assert len(train | test) == 69_990


@pytest.mark.parametrize(
    ("family", "small"), [(RANDOM_FOREST, {"n_estimators": 50}), (GRADIENT_BOOSTING, {"max_iter": 60})]
)
def test_a_model_is_as_good_as_it_can_honestly_be_and_its_graph_says_the_same(
    dataset: Dataset, tmp_path: Path, family: str, small: dict[str, int]
) -> None:
    model = build(family, small, jobs=2).fit(model_inputs(dataset.train), target(dataset.train))
    risks = probabilities(model, dataset.test)
    found = evaluate(target(dataset.test), risks, patients(dataset.test), samples=50)
    bundle = write_bundle(model, dataset.test, MANIFEST, tmp_path)

    assert 0.64 < found["auroc"]["value"] < 0.70, "more would be a leak"
    assert 0.19 < found["average_precision"]["value"] < 0.27
    assert found["brier"]["value"] < 0.0985
    assert found["ece"]["value"] < 0.02
    assert risks.mean() == pytest.approx(target(dataset.test).mean(), abs=0.01)
    assert parity(model, bundle, dataset.test.head(5_000)) <= 1e-6


def test_shuffled_outcomes_of_genuine_patients_cannot_be_predicted(dataset: Dataset) -> None:
    shuffled = np.random.default_rng(1).permutation(target(dataset.train))
    model = build(GRADIENT_BOOSTING, {"max_iter": 30}, jobs=2).fit(model_inputs(dataset.train), shuffled)
    risks = probabilities(model, dataset.test)
    auroc = evaluate(target(dataset.test), risks, patients(dataset.test), samples=50)["auroc"]

    assert auroc["value"] == pytest.approx(0.5, abs=0.03)
