"""Models: calibrated for incomplete records, deterministic, and with parameters that reach the estimator."""

from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest

from ml.features.encoder import Encoder, feature_names
from ml.features.masking import apply_mask, keep_only, mask_groups, random_mask
from ml.features.records import to_table
from ml.features.tables import Inputs, model_inputs, target, without_history
from ml.schema import EXAMPLE_RECORD, FEATURE_NAMES, FEATURES, TARGET, Group
from ml.training.models import FAMILIES, RANDOM_FOREST, RiskModel, fit
from ml.training.offsets import GROUPS, KNOWN_COLUMNS, Offsets, known_features, unknown_groups
from ml.training.rows import Augmentation, training_rows
from tests.unit.ml.conftest import SMALL

BOTH = pytest.mark.parametrize("family", list(FAMILIES))


@pytest.fixture(scope="module")
def masked(train_table: pd.DataFrame) -> Inputs:
    """The training records with a mask that no model was fitted on."""
    return apply_mask(model_inputs(train_table), random_mask(len(train_table), seed=10_000))


def matrix_of(model: RiskModel, inputs: Inputs) -> np.ndarray:
    return model.encoder.transform(inputs)


def test_known_fields_are_counted_for_each_record(train_table: pd.DataFrame) -> None:
    encoder = Encoder().fit(model_inputs(train_table), target(train_table))
    names = list(EXAMPLE_RECORD)
    table = to_table([{name: EXAMPLE_RECORD[name] for name in names[:count]} for count in range(len(names) + 1)])

    assert known_features(encoder.transform(model_inputs(table))).tolist() == list(range(48))


def test_history_does_not_count_as_known_features(train_table: pd.DataFrame) -> None:
    encoder = Encoder().fit(model_inputs(train_table), target(train_table))
    with_it, without = (encoder.transform(model_inputs(t)) for t in (train_table, without_history(train_table)))

    np.testing.assert_array_equal(known_features(with_it), known_features(without))
    np.testing.assert_array_equal(known_features(without), train_table[list(FEATURE_NAMES)].notna().sum(axis=1))
    assert len(set(KNOWN_COLUMNS)) == len(FEATURES) == 47
    assert {feature_names()[place].partition(":")[0] for place in KNOWN_COLUMNS} == set(FEATURE_NAMES)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name.lower())
def test_an_unknown_group_is_recognised(train_table: pd.DataFrame, group: Group) -> None:
    table = train_table.head(300).assign(**EXAMPLE_RECORD)
    encoder = Encoder().fit(model_inputs(table), target(train_table.head(300)))
    found = unknown_groups(encoder.transform(model_inputs(mask_groups(table, (group,)))))

    assert (found == [member is group for member in GROUPS]).all()


def test_risks_are_probabilities_one_for_each_row(fitted: RiskModel, masked: Inputs) -> None:
    risks = fitted.probabilities(masked)

    assert risks.shape == (len(masked),)
    assert risks.dtype == np.float64
    assert ((risks >= 0) & (risks <= 1)).all()


def test_the_mean_risk_is_the_prevalence_for_any_number_of_known_features(
    fitted: RiskModel, masked: Inputs, train_table: pd.DataFrame
) -> None:
    known = known_features(matrix_of(fitted, masked))
    risks, prevalence = fitted.probabilities(masked), target(train_table).mean()

    for low, high in ((0, 8), (9, 16), (17, 24), (25, 32), (33, 40)):
        rows = (low <= known) & (known <= high)
        assert rows.sum() > 150
        assert risks[rows].mean() == pytest.approx(prevalence, abs=0.006), (low, high)


def test_the_mean_risk_is_the_prevalence_for_any_unknown_group(fitted: RiskModel, train_table: pd.DataFrame) -> None:
    prevalence = target(train_table).mean()
    unmoved = replace(fitted, offsets=Offsets())
    less = [mask_groups(train_table, (group,)) for group in GROUPS]
    less += [mask_groups(train_table, GROUPS), keep_only(train_table, ("race", "gender", "age"))]
    gaps, before = (
        np.array([abs(model.probabilities(model_inputs(table)).mean() - prevalence) for table in less])
        for model in (fitted, unmoved)
    )

    # Groups hidden alone share one offset with groups hidden together: what is left is small, not nothing.
    assert gaps.max() < 0.02
    assert gaps.mean() < min(0.007, before.mean()), "the offsets are what does it"


def test_complete_records_have_no_offset(fitted: RiskModel, train_table: pd.DataFrame) -> None:
    matrix = matrix_of(fitted, model_inputs(train_table))
    ordinary = known_features(matrix) >= np.quantile(known_features(matrix), 0.02)

    assert (fitted.offsets.of(matrix)[ordinary] == 0).all()
    assert ordinary.mean() > 0.97
    assert np.abs(fitted.offsets.by_number).max() > 0, "others are moved"


@BOTH
def test_without_masked_copies_there_are_no_offsets(family: str, train_table: pd.DataFrame) -> None:
    model = fit(family, {"n_estimators": 5}, train_table, jobs=1, masked=0)
    risks = model.probabilities(model_inputs(keep_only(train_table.head(50), ())))

    assert (model.offsets.of(matrix_of(model, model_inputs(mask_groups(train_table, GROUPS)))) == 0).all()
    assert np.isfinite(risks).all()


def test_equal_records_have_equal_risks(fitted: RiskModel, test_table: pd.DataFrame) -> None:
    table = test_table.head(20).assign(**EXAMPLE_RECORD)

    assert len(set(fitted.probabilities(model_inputs(without_history(table))).tolist())) == 1


@pytest.fixture(scope="module")
def fitted_again(train_table: pd.DataFrame) -> dict[str, RiskModel]:
    """Second fits; that of the forest uses two cores, which sum its trees in another order."""
    return {family: fit(family, SMALL[family], train_table, jobs=1 + (family == RANDOM_FOREST)) for family in FAMILIES}


@BOTH
def test_equal_parameters_and_data_give_equal_predictions(
    family: str, fitted_again: dict[str, RiskModel], train_table: pd.DataFrame, test_table: pd.DataFrame
) -> None:
    model = fit(family, SMALL[family], train_table, jobs=1)

    inputs = model_inputs(test_table)
    again = fitted_again[family].probabilities(inputs)
    np.testing.assert_allclose(model.probabilities(inputs), again, rtol=0, atol=1e-12 if family == RANDOM_FOREST else 0)


@BOTH
def test_parameters_override_the_defaults_of_the_family(family: str, train_table: pd.DataFrame) -> None:
    model = fit(family, {"n_estimators": 3}, train_table.head(500), jobs=1, masked=0)
    used = model.estimator.get_params()

    assert used["n_estimators"] == 3
    others = {name: value for name, value in FAMILIES[family].defaults.items() if name != "n_estimators"}
    assert {name: used[name] for name in others} == others


@BOTH
def test_the_defaults_are_in_the_search_space(family: str) -> None:
    chosen = FAMILIES[family]
    suggested = chosen.suggest(optuna.trial.FixedTrial(dict(chosen.defaults)))  # fails outside of the search space

    assert suggested == {name: chosen.defaults[name] for name in suggested}


@BOTH
def test_outcome_and_patient_are_not_needed_for_a_prediction(
    family: str, train_table: pd.DataFrame, test_table: pd.DataFrame
) -> None:
    model = fit(family, {"n_estimators": 3}, train_table.head(800), jobs=1, masked=0)
    blind = test_table.drop(columns=[TARGET, "patient_nbr", "encounter_id"])

    np.testing.assert_array_equal(
        model.probabilities(model_inputs(blind)), model.probabilities(model_inputs(test_table))
    )


def test_the_encoding_of_a_training_row_does_not_use_its_own_patient(train_table: pd.DataFrame) -> None:
    labels = target(train_table)
    crossed = training_rows([train_table], Augmentation(0, 1)).part(0).matrix[: len(labels)]
    rate = feature_names().index("diag_2:code_rate")

    rare = train_table.groupby("diag_2")["patient_nbr"].transform("nunique").fillna(99).to_numpy() == 1
    by_outcome = [crossed[rare & (labels == outcome), rate].mean() for outcome in (0, 1)]
    assert by_outcome[1] <= by_outcome[0] + 1e-3, "a code that one patient has says nothing of that patient"
