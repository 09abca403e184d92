"""Training rows in parts: the same encoder and the same rows as in one part, and models that are as good."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.evaluation.metrics import auroc
from ml.features.encoder import Encoder, feature_names
from ml.features.masking import apply_mask, random_mask
from ml.features.tables import model_inputs, patients, target
from ml.training import ensembles, rows
from ml.training.ensembles import MOST_DRAWS, fit_trees
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RANDOM_FOREST, fit
from ml.training.offsets import known_features, known_history
from ml.training.rows import Augmentation, TrainingRows, training_rows
from tests.unit.ml.conftest import SMALL

BOTH = pytest.mark.parametrize("family", list(FAMILIES))
AUGMENTATION = Augmentation(2, 0.5)
RATES = [place for place, name in enumerate(feature_names()) if name.endswith("rate")]


@pytest.fixture(scope="module")
def whole(train_table: pd.DataFrame) -> TrainingRows:
    return training_rows([train_table], AUGMENTATION)


@pytest.fixture(scope="module")
def in_parts(train_table: pd.DataFrame) -> TrainingRows:
    return training_rows(divided(train_table, 4), AUGMENTATION)


def divided(table: pd.DataFrame, count: int) -> list[pd.DataFrame]:
    """Parts that each have all encounters of some patients."""
    return [table[patients(table) % count == number] for number in range(count)]


def sorted_rows(matrix: np.ndarray) -> np.ndarray:
    return matrix[np.lexsort(matrix.T)]


def test_the_encoder_does_not_depend_on_the_parts(
    whole: TrainingRows, in_parts: TrainingRows, train_table: pd.DataFrame
) -> None:
    at_once = Encoder().fit(model_inputs(train_table), target(train_table))

    assert len(in_parts.parts) == 4
    for encoder in (whole.encoder, in_parts.encoder):
        assert encoder.code_ids == at_once.code_ids
        for name in ("diagnoses", "categories", "codes"):
            np.testing.assert_array_equal(getattr(encoder.rates, name), getattr(at_once.rates, name))
    assert in_parts.prevalence == whole.prevalence == target(train_table).mean()


def test_complete_rows_do_not_depend_on_the_parts_but_in_the_folds_of_rates(
    whole: TrainingRows, in_parts: TrainingRows
) -> None:
    encoded = [in_parts.part(number) for number in range(4)]
    count = 2 + AUGMENTATION.masked
    complete = np.concatenate([np.split(part.matrix, count)[0] for part in encoded])

    of_whole = np.split(whole.part(0).matrix, count)[0]
    np.testing.assert_array_equal(*(sorted_rows(np.delete(matrix, RATES, axis=1)) for matrix in (complete, of_whole)))
    assert sum(part.labels.sum() for part in encoded) == whole.part(0).labels.sum()
    assert sum(part.weights.sum() for part in encoded) == pytest.approx(whole.part(0).weights.sum())


def test_the_masks_of_parts_differ(in_parts: TrainingRows) -> None:
    masked = [known_features(np.split(in_parts.part(number).matrix, 4)[2]) for number in range(4)]

    assert len({tuple(known[:100].tolist()) for known in masked}) == 4


def test_the_rows_for_the_offsets_have_a_mask_of_their_own(whole: TrainingRows, train_table: pd.DataFrame) -> None:
    complete, masked = whole.for_offsets()
    again = apply_mask(model_inputs(train_table), random_mask(len(train_table), rows.SEED - 1))

    np.testing.assert_array_equal(complete, whole.part(0).matrix[: len(train_table)])
    np.testing.assert_array_equal(known_features(masked), known_features(whole.encoder.transform(again)))
    for variant in np.split(whole.part(0).matrix, 4):
        assert not np.array_equal(variant, masked)


def test_of_many_encounters_each_is_one_row_and_the_variants_have_their_shares(
    monkeypatch: pytest.MonkeyPatch, train_table: pd.DataFrame
) -> None:
    monkeypatch.setattr(rows, "FEW_PARTS", 0)
    once = training_rows([train_table], AUGMENTATION)
    part = once.part(0)

    unmasked = known_features(part.matrix) == known_features(once.encoder.transform(model_inputs(train_table)))
    has_history = known_history(part.matrix)
    assert len(part.matrix) == len(part.labels) == len(train_table)
    assert set(part.weights.tolist()) == {1.0}
    np.testing.assert_array_equal(part.labels, target(train_table))
    # Each variant has a third of the weights; half of the masked rows have no history either.
    assert (unmasked & has_history).mean() == pytest.approx(1 / 3, abs=0.06)
    assert (unmasked & ~has_history).mean() == pytest.approx(1 / 3, abs=0.06)


def test_the_files_of_boosting_are_deleted_at_the_end(
    in_parts: TrainingRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fit_trees(FAMILIES[GRADIENT_BOOSTING].estimator(n_estimators=1, n_jobs=1), in_parts)

    assert not list(tmp_path.iterdir())


def test_the_size_of_a_part_is_known_before_it_is_encoded(in_parts: TrainingRows) -> None:
    assert in_parts.bytes_of_part == pytest.approx(in_parts.part(0).matrix.nbytes, rel=0.1)


@BOTH
def test_a_model_of_many_parts_is_as_good_as_one_of_one_part(
    family: str, monkeypatch: pytest.MonkeyPatch, train_table: pd.DataFrame, test_table: pd.DataFrame
) -> None:
    before = fit(family, SMALL[family], train_table, jobs=1)
    monkeypatch.setattr(ensembles, "SHARE_BYTES", 1)
    after = fit(family, SMALL[family], divided(train_table, 2), jobs=1)

    labels, risks = target(test_table), [model.predict(test_table) for model in (before, after)]
    assert auroc(labels, risks[1]) > auroc(labels, risks[0]) - 0.03
    assert risks[1].mean() == pytest.approx(risks[0].mean(), abs=0.01)
    assert not np.array_equal(*risks)


def test_each_share_of_the_trees_is_grown_on_a_share_of_the_parts(
    monkeypatch: pytest.MonkeyPatch, in_parts: TrainingRows
) -> None:
    monkeypatch.setattr(ensembles, "SHARE_BYTES", 2 * in_parts.bytes_of_part)
    forest = fit_trees(
        FAMILIES[RANDOM_FOREST].estimator(n_estimators=5, max_samples=0.5, min_samples_leaf=20), in_parts
    )

    seen = [round(tree.tree_.weighted_n_node_samples[0]) for tree in forest.estimators_]
    weights = [sum(in_parts.part(number).weights.sum() for number in pair) for pair in ((0, 1), (2, 3))]
    assert len(seen) == forest.n_estimators == 5
    assert seen == [int(0.5 * weights[0])] * 3 + [int(0.5 * weights[1])] * 2


def test_a_tree_draws_a_limited_number_of_rows(monkeypatch: pytest.MonkeyPatch, whole: TrainingRows) -> None:
    monkeypatch.setattr(ensembles, "MOST_DRAWS", 200)
    forest = fit_trees(FAMILIES[RANDOM_FOREST].estimator(n_estimators=2, max_samples=0.5), whole)

    assert [round(tree.tree_.weighted_n_node_samples[0]) for tree in forest.estimators_] == [200, 200]
    assert MOST_DRAWS > 0.5 * 2.6 * 101_766, "no limit for the genuine data set"


def test_boosting_from_parts_predicts_after_the_matrix_is_gone(in_parts: TrainingRows) -> None:
    estimator = fit_trees(FAMILIES[GRADIENT_BOOSTING].estimator(n_estimators=3, n_jobs=1), in_parts)
    part = in_parts.part(0)

    assert estimator.get_booster().num_boosted_rounds() == 3
    assert estimator.predict_proba(part.matrix).shape == (len(part.matrix), 2)
