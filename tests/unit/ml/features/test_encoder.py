"""The encoder: ranks, conditions, combinations, smoothed rates, and -1 for unknown."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.features import icd9
from ml.features.encoder import DIAGNOSES, Encoder, feature_names
from ml.features.rates import SMOOTHING
from ml.features.records import to_table
from ml.features.tables import model_inputs, target
from ml.schema import EXAMPLE_RECORD, INPUTS, canonical_icd9

NAMES = feature_names()


@pytest.fixture(scope="module")
def encoder(train_table: pd.DataFrame) -> Encoder:
    return Encoder().fit(model_inputs(train_table), target(train_table))


def numbers_of(encoder: Encoder, **record: Any) -> dict[str, float]:
    """The encoded record by name of the column."""
    (row,) = encoder.transform(model_inputs(to_table([record])))
    return dict(zip(NAMES, row.tolist(), strict=True))


def test_feature_names_are_unique(encoder: Encoder, test_table: pd.DataFrame) -> None:
    matrix = encoder.transform(model_inputs(test_table))

    assert matrix.shape == (len(test_table), len(NAMES)) == (len(test_table), len(set(NAMES)))
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()


def test_fitting_is_deterministic(encoder: Encoder, train_table: pd.DataFrame, test_table: pd.DataFrame) -> None:
    again = Encoder().fit(model_inputs(train_table), target(train_table))

    inputs = model_inputs(test_table)
    np.testing.assert_array_equal(again.transform(inputs), encoder.transform(inputs))
    assert again.code_ids == encoder.code_ids


def test_an_empty_record_is_minus_1_except_for_drug_counts(encoder: Encoder) -> None:
    found = numbers_of(encoder)

    assert {name for name, value in found.items() if value != -1} == {"drugs:given", "drugs:changed"}
    assert found["drugs:given"] == found["drugs:changed"] == 0


@pytest.mark.parametrize("column", INPUTS, ids=lambda column: column.name)
def test_features_of_an_unknown_input_are_minus_1(encoder: Encoder, column: Any) -> None:
    complete = {**EXAMPLE_RECORD, "earlier_stays": 1, "previous_diagnosis": "428", "previous_inpatient": 2}
    found = numbers_of(encoder, **{**complete, column.name: None})

    own = {name: value for name, value in found.items() if name.partition(":")[0] == column.name}
    assert own
    assert set(own.values()) == {-1}


def test_known_zeros_are_not_unknown(encoder: Encoder) -> None:
    found = numbers_of(encoder, number_outpatient=0, number_emergency=0, number_inpatient=0, earlier_stays=0)

    assert found["utilisation:sum"] == found["number_inpatient"] == found["earlier_stays"] == 0


def test_categories_become_their_rank_in_the_schema(encoder: Encoder) -> None:
    found = numbers_of(encoder, age="[60-70)", gender="Male", insulin="Up", metformin="Steady", A1Cresult=">8")

    assert (found["age"], found["gender"], found["insulin"], found["metformin"]) == (6, 1, 2, 1)
    assert (found["drugs:given"], found["drugs:changed"]) == (2, 1)


def test_a_value_of_another_column_is_unknown(encoder: Encoder) -> None:
    assert numbers_of(encoder, gender="Caucasian", race="Male")["gender"] == -1


def test_sums_ratios_and_differences(encoder: Encoder) -> None:
    found = numbers_of(
        encoder,
        number_outpatient=1,
        number_emergency=2,
        number_inpatient=4,
        previous_inpatient=6,
        time_in_hospital=8,
        num_lab_procedures=40,
        num_medications=4,
        diag_1="428",
        previous_diagnosis="250.5",
    )

    assert found["utilisation:sum"] == 7
    assert found["num_lab_procedures:per_day"] == 5
    assert found["num_medications:per_day"] == 0.5
    assert found["number_inpatient:change"] == 48, "two fewer, moved up by 50"
    assert found["diag_1:distance_from_previous"] == pytest.approx(177.5)


def test_conditions_are_found_in_any_of_the_three_diagnoses(encoder: Encoder) -> None:
    for place in DIAGNOSES[:3]:
        found = numbers_of(encoder, **dict.fromkeys(DIAGNOSES[:3], "401") | {place: "250.83"})
        assert found["diagnoses:diabetes_decimals"] == 84, "moved up by 1: 0 is no diabetes, -1 unknown"
        assert found["diagnoses:complicated_diabetes"] == 1
        assert found["diagnoses:heart_failure"] == 0
        assert found[f"{place}:order"] == pytest.approx(250.83)


def test_the_previous_diagnosis_sets_no_condition(encoder: Encoder) -> None:
    found = numbers_of(encoder, diag_1="401", previous_diagnosis="428")

    assert found["diagnoses:heart_failure"] == 0
    assert found["previous_diagnosis:order"] == 428


@pytest.mark.parametrize(
    ("unseen", "category"), [("428.99", "428"), ("V01.55", "V01"), ("E909.9", "E909"), ("8.7", "8"), ("008.99", "008")]
)
def test_an_unseen_code_uses_its_category(encoder: Encoder, unseen: str, category: str) -> None:
    assert unseen not in encoder.code_ids

    for name in DIAGNOSES:
        assert numbers_of(encoder, **{name: unseen}) == numbers_of(encoder, **{name: category})


def test_decimals_of_diabetes_are_encoded_even_if_unseen(encoder: Encoder, train_table: pd.DataFrame) -> None:
    written = {canonical_icd9(f"250.{n:02d}"): n + 1 for n in range(100)}
    matrix = encoder.transform(model_inputs(to_table([{"diag_1": code} for code in written])))

    assert matrix[:, NAMES.index("diagnoses:diabetes_decimals")].tolist() == list(written.values())
    assert not set(written) <= set(train_table["diag_1"].dropna()), "not all of them were seen"


@pytest.mark.parametrize("odd", ["1", "1.5", "V00", "E000.9", "999.99", "008.45"])
def test_fitting_accepts_every_code_of_the_schema(train_table: pd.DataFrame, odd: str) -> None:
    table = train_table.head(200).assign(diag_2=odd)
    found = numbers_of(Encoder().fit(model_inputs(table), target(table)), diag_2=odd)

    assert found["diag_2:order"] == np.float32(icd9.order(odd))
    assert found["diag_2:code_rate"] == pytest.approx(target(table).mean(), abs=1e-6)


def test_rates_are_smoothed_with_a_weight_of_fifty_rows(encoder: Encoder, train_table: pd.DataFrame) -> None:
    labels = target(train_table)
    for payer in ("MC", "SP", "FR"):
        of_payer = (train_table["payer_code"] == payer).to_numpy()
        expected = (labels[of_payer].sum() + SMOOTHING * labels.mean()) / (of_payer.sum() + SMOOTHING)
        assert numbers_of(encoder, payer_code=payer)["payer_code:rate"] == pytest.approx(expected, abs=1e-6)


def test_a_code_has_its_own_rate_and_that_of_its_category(encoder: Encoder, train_table: pd.DataFrame) -> None:
    labels = target(train_table)
    category = train_table["diag_2"].map(icd9.parent, na_action="ignore") == "250"
    found = numbers_of(encoder, diag_2="250.02")

    for rows, rate in ((train_table["diag_2"] == "250.02", "code_rate"), (category, "category_rate")):
        expected = (labels[rows].sum() + SMOOTHING * labels.mean()) / (rows.sum() + SMOOTHING)
        assert found[f"diag_2:{rate}"] == pytest.approx(expected, abs=1e-6)


def test_unseen_values_have_the_overall_rate(encoder: Encoder, train_table: pd.DataFrame) -> None:
    assert not train_table["diag_1"].isin(["E999"]).any()
    found = numbers_of(encoder, diag_1="E999.1", discharge_disposition_id=30)

    for name in ("diag_1:code_rate", "diag_1:category_rate", "discharge_disposition_id:rate"):
        assert found[name] == pytest.approx(target(train_table).mean(), abs=1e-6)
