"""No leakage: features do not depend on later encounters, identifiers, or the outcome of the row."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.bundle import TEXTS
from ml.evaluation.metrics import auroc
from ml.features.encoder import Encoder, feature_names
from ml.features.masking import apply_mask, random_mask
from ml.features.tables import model_inputs, patients, target, with_history
from ml.schema import COLUMN_NAMES, INPUTS, POSITIVE, TARGET
from ml.training.rows import FOLDS, SEED, Augmentation, training_rows

NAMES = feature_names()
RATES = [place for place, name in enumerate(NAMES) if name.endswith("rate")]
OTHERS = [place for place in range(len(NAMES)) if place not in RATES]
JOINED = {"diagnoses", "utilisation", "drugs"}
"""What a column may come from that is not one input."""


def crossed(table: pd.DataFrame, labels: np.ndarray | None = None) -> np.ndarray:
    """The encoded rows that a model is fitted on, without masked copies; with the outcomes ``labels``."""
    outcomes = {} if labels is None else {TARGET: np.where(labels == 1, POSITIVE, "NO")}
    rows = training_rows([table.assign(**outcomes)], Augmentation(0, 1))
    return rows.part(0).matrix[: len(table)]


@pytest.fixture(scope="module")
def encoder(train_table: pd.DataFrame) -> Encoder:
    return Encoder().fit(model_inputs(train_table), target(train_table))


def test_every_feature_derives_from_an_input() -> None:
    origins = {name.partition(":")[0] for name in NAMES}

    assert origins - JOINED <= {column.name for column in INPUTS}
    assert {"patient_nbr", "encounter_id", "readmitted"}.isdisjoint(origins)


def test_no_feature_counts_all_or_later_stays(encoder: Encoder, train_table: pd.DataFrame) -> None:
    matrix = encoder.transform(model_inputs(train_table))
    stays = train_table.groupby("patient_nbr")["encounter_id"]
    totals, later = stays.transform("size").to_numpy(), stays.cumcount(ascending=False).to_numpy()
    several = totals > 1

    for place, name in enumerate(NAMES):
        assert (matrix[several, place] != totals[several]).any(), name
        assert (matrix[several, place] != later[several]).any(), name


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0.05, 0.95))
def test_later_encounters_do_not_change_features_of_earlier_ones(
    encoder: Encoder, train_table: pd.DataFrame, share: float
) -> None:
    raw = train_table[list(COLUMN_NAMES)]
    earlier = raw[raw["encounter_id"] <= raw["encounter_id"].quantile(share)]

    before = encoder.transform(model_inputs(with_history(earlier)))
    np.testing.assert_array_equal(before, encoder.transform(model_inputs(train_table.loc[earlier.index])))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), count=st.integers(1, 60))
def test_features_of_a_row_do_not_depend_on_other_rows(
    encoder: Encoder, test_table: pd.DataFrame, seed: int, count: int
) -> None:
    inputs = model_inputs(test_table)
    chosen = np.random.default_rng(seed).integers(0, len(inputs), count)

    np.testing.assert_array_equal(encoder.transform(inputs.rows(chosen)), encoder.transform(inputs)[chosen])


def test_transform_does_not_change_the_encoder(encoder: Encoder, test_table: pd.DataFrame) -> None:
    before = (dict(encoder.code_ids), encoder.rates.diagnoses.copy(), encoder.rates.categories.copy())
    encoder.transform(model_inputs(test_table.assign(diag_1="123.45", payer_code="FR")))

    assert encoder.code_ids == before[0]
    np.testing.assert_array_equal(encoder.rates.diagnoses, before[1])
    np.testing.assert_array_equal(encoder.rates.categories, before[2])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_cross_fitted_rates_exclude_the_own_patient(train_table: pd.DataFrame, seed: int) -> None:
    labels, groups = target(train_table), patients(train_table)
    own = groups == np.random.default_rng(seed).choice(groups)
    before = crossed(train_table)
    after = crossed(train_table, np.where(own, 1 - labels, labels))

    np.testing.assert_array_equal(after[own], before[own])
    assert (after[~own][:, RATES] != before[~own][:, RATES]).any(), "it does change those of others"


def test_cross_fitted_rates_do_not_correlate_with_shuffled_outcomes(train_table: pd.DataFrame) -> None:
    inputs, labels = model_inputs(train_table), np.random.default_rng(1).permutation(target(train_table))
    place = NAMES.index("diag_1:code_rate")

    assert auroc(labels, crossed(train_table, labels)[:, place].astype(np.float64)) < 0.53
    plain = auroc(labels, Encoder().fit(inputs, labels).transform(inputs)[:, place].astype(np.float64))
    assert plain > 0.58, "which is what a row that sees its own outcome would learn from"


def test_only_rates_differ_between_training_and_serving(encoder: Encoder, train_table: pd.DataFrame) -> None:
    fitted, plain = crossed(train_table), encoder.transform(model_inputs(train_table))

    np.testing.assert_array_equal(fitted[:, OTHERS], plain[:, OTHERS])
    assert np.abs(fitted[:, RATES] - plain[:, RATES]).max() < 0.2
    assert len(np.unique(fitted[:, NAMES.index("discharge_disposition_id:rate")])) > FOLDS


def test_masked_copies_have_the_rates_of_the_same_rows_or_minus_1(train_table: pd.DataFrame) -> None:
    variant = apply_mask(model_inputs(train_table), random_mask(len(train_table), SEED))
    whole, _, hidden = np.split(training_rows([train_table], Augmentation(1, 0.5)).part(0).matrix, 3)
    gone = variant.texts[:, TEXTS.index("diag_1")] == "?"
    place = NAMES.index("diag_1:code_rate")

    assert (hidden[gone, place] == -1).all()
    np.testing.assert_array_equal(hidden[~gone, place], whole[~gone, place])
