"""Model inputs, labels and patients from tables of encounters."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ml.core.bundle import NUMBERS, TEXTS
from ml.features.tables import model_inputs, patients, target
from ml.schema import INPUTS, TARGET
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RANDOM_FOREST, fit


def test_inputs_are_the_features_and_the_history(test_table: pd.DataFrame) -> None:
    inputs = model_inputs(test_table)

    assert sorted(TEXTS + NUMBERS) == sorted(c.name for c in INPUTS)
    assert {"encounter_id", "patient_nbr", "readmitted"}.isdisjoint(TEXTS + NUMBERS)
    assert inputs.texts.shape == (len(test_table), len(TEXTS))
    assert inputs.numbers.shape == (len(test_table), len(NUMBERS))


def test_inputs_do_not_depend_on_identifiers_and_outcome(test_table: pd.DataFrame) -> None:
    changed = model_inputs(test_table.assign(encounter_id=1, patient_nbr=2, readmitted="NO"))

    np.testing.assert_array_equal(changed.texts, model_inputs(test_table).texts)
    np.testing.assert_array_equal(changed.numbers, model_inputs(test_table).numbers)


def test_unknown_texts_are_question_marks_and_unknown_numbers_nan(test_table: pd.DataFrame) -> None:
    table = test_table.head(3).assign(time_in_hospital=np.float32("nan"), race=None)
    inputs = model_inputs(table)

    assert (inputs.texts[:, TEXTS.index("race")] == "?").all()
    assert np.isnan(inputs.numbers[:, NUMBERS.index("time_in_hospital")]).all()
    assert inputs.numbers.dtype == "float32"
    assert all(isinstance(text, str) for text in inputs.texts.flat)


def test_only_a_readmission_within_thirty_days_is_positive() -> None:
    table = pd.DataFrame({"readmitted": ["<30", ">30", "NO"]})

    assert target(table).tolist() == [1, 0, 0]
    assert target(table).dtype == np.int64


def test_patients_are_integers_in_the_order_of_rows(test_table: pd.DataFrame) -> None:
    assert patients(test_table).tolist() == test_table["patient_nbr"].tolist()


def test_no_family_weights_or_resamples_the_classes() -> None:
    for family in FAMILIES.values():
        settings = family.estimator(**family.defaults).get_params()
        assert settings.get("class_weight") is None, family.name
        assert settings.get("scale_pos_weight") is None, family.name


def test_shuffled_outcomes_cannot_be_predicted(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    shuffled = train_table.assign(**{TARGET: train_table[TARGET].sample(frac=1, random_state=0).to_numpy()})
    model = fit(GRADIENT_BOOSTING, {"n_estimators": 20}, shuffled, jobs=1, masked=0)

    assert abs(roc_auc_score(target(test_table), model.predict(test_table)) - 0.5) < 0.07


def test_true_outcomes_can_be_predicted(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    model = fit(RANDOM_FOREST, {"n_estimators": 30}, train_table, jobs=1)
    risks = model.predict(test_table)

    assert 0.57 < roc_auc_score(target(test_table), risks) < 0.75
    assert abs(risks.mean() - target(train_table).mean()) < 0.02, "the mean risk is the prevalence: calibrated"


def test_the_same_data_give_the_same_model(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    fits = [fit(RANDOM_FOREST, {"n_estimators": 10}, train_table, jobs) for jobs in (1, 2)]

    np.testing.assert_allclose(fits[0].predict(test_table), fits[1].predict(test_table), atol=1e-12)
