"""What a model sees of the 50 columns, and what it must never see."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ml.export import probabilities
from ml.features import model_inputs, patients, target
from ml.models import FAMILIES, GRADIENT_BOOSTING, RANDOM_FOREST, build
from ml.schema import FEATURES


def test_a_model_sees_the_features_under_their_input_names_and_nothing_else(test_table: pd.DataFrame) -> None:
    inputs = model_inputs(test_table)

    assert list(inputs.columns) == [c.input_name for c in FEATURES]
    assert {"encounter_id", "patient_nbr", "readmitted"}.isdisjoint(inputs.columns)


def test_identifiers_and_outcome_leave_no_trace_in_the_inputs(test_table: pd.DataFrame) -> None:
    changed = test_table.assign(encounter_id=1, patient_nbr=2, readmitted="NO")

    pd.testing.assert_frame_equal(model_inputs(changed), model_inputs(test_table))


def test_unknown_texts_are_written_out_and_unknown_numbers_are_nan(test_table: pd.DataFrame) -> None:
    table = test_table.head(3).assign(time_in_hospital=np.float32("nan"))
    inputs = model_inputs(table)

    assert set(inputs["weight"]) <= {"?", *table["weight"].dropna()}
    assert inputs["time_in_hospital"].isna().all()
    assert inputs["time_in_hospital"].dtype == "float32"
    assert not inputs.select_dtypes(object).isna().any().any()


def test_only_a_return_within_thirty_days_is_positive() -> None:
    table = pd.DataFrame({"readmitted": ["<30", ">30", "NO"]})

    assert target(table).tolist() == [1, 0, 0]
    assert target(table).dtype == np.int64


def test_patients_are_whole_numbers_in_the_order_of_rows(test_table: pd.DataFrame) -> None:
    assert patients(test_table).tolist() == test_table["patient_nbr"].tolist()


def test_no_family_weights_or_resamples_the_classes() -> None:
    for family, kind in FAMILIES.items():
        settings = build(family, {}, jobs=1).named_steps["model"].get_params()
        assert settings.get("class_weight") is None, kind.name


def test_shuffled_outcomes_cannot_be_predicted(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    shuffled = np.random.default_rng(0).permutation(target(train_table))
    model = build(GRADIENT_BOOSTING, {"max_iter": 20}, jobs=1).fit(model_inputs(train_table), shuffled)

    assert abs(roc_auc_score(target(test_table), probabilities(model, test_table)) - 0.5) < 0.07


def test_true_outcomes_can(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    model = build(RANDOM_FOREST, {"n_estimators": 30}, jobs=1).fit(model_inputs(train_table), target(train_table))
    risks = probabilities(model, test_table)

    assert 0.57 < roc_auc_score(target(test_table), risks) < 0.75
    assert abs(risks.mean() - target(train_table).mean()) < 0.02, "the mean risk is the prevalence: calibrated"


def test_the_same_data_give_the_same_model(train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    fits = [
        build(RANDOM_FOREST, {"n_estimators": 10}, jobs).fit(model_inputs(train_table), target(train_table))
        for jobs in (1, 2)
    ]

    np.testing.assert_allclose(probabilities(fits[0], test_table), probabilities(fits[1], test_table), atol=1e-12)
