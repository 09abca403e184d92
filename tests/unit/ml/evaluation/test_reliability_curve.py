"""The reliability curve of models with known behaviour."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from ml.core.bundle import NUMBERS
from ml.core.reliability import UNITS, ReliabilityCurve
from ml.evaluation.metrics import auroc
from ml.evaluation.reliability_curve import DEGREES, estimate_reliability
from ml.features.masking import keep_only, mask_fields
from ml.features.records import to_records
from ml.features.tables import Inputs, model_inputs, target
from ml.schema import EXAMPLE_RECORD, TARGET
from ml.training.models import RiskModel

COMPLETE = {**EXAMPLE_RECORD, "earlier_stays": 0}


def two_field_model(inputs: Inputs) -> np.ndarray:
    """Risk by inpatient stays and, far less, by days of the stay; an unknown number counts as an ordinary one."""
    stays = np.nan_to_num(inputs.numbers[:, NUMBERS.index("number_inpatient")], nan=0.6)
    days = np.nan_to_num(inputs.numbers[:, NUMBERS.index("time_in_hospital")], nan=4.4)
    return np.asarray(1 / (1 + np.exp(2.2 - 0.8 * stays - 0.02 * days)), dtype=np.float64)


def constant_model(inputs: Inputs) -> np.ndarray:
    return np.full(len(inputs), 0.11)


@pytest.fixture(scope="module")
def simple(test_table: pd.DataFrame) -> ReliabilityCurve:
    return estimate_reliability(two_field_model, test_table)


def test_the_weights_are_shares_of_the_variance_of_the_logit(simple: ReliabilityCurve) -> None:
    used = {name for name, weight in simple.weights.items() if weight > 0}

    assert used == {"number_inpatient", "time_in_hospital"}
    assert simple.weights["number_inpatient"] > 4 * simple.weights["time_in_hospital"]


def test_a_constant_model_has_equal_weights_and_no_range(test_table: pd.DataFrame) -> None:
    found = estimate_reliability(constant_model, test_table)
    ranges = found.ranges([{}, EXAMPLE_RECORD], np.array([0.11, 0.11]))

    assert set(found.weights.values()) == {1 / len(UNITS)}
    assert found.auroc == ((0.5,) * len(DEGREES),) * 2
    np.testing.assert_allclose(ranges, 0.11)
    assert found.coverage == 1


@pytest.mark.parametrize("numbering", [lambda n: 2 * n, lambda n: 2 * n + 1, lambda n: 10**6 + 1000 * n])
def test_the_coverage_does_not_depend_on_how_patients_are_numbered(
    simple: ReliabilityCurve, test_table: pd.DataFrame, numbering: Callable[[pd.Series], pd.Series]
) -> None:
    numbered = test_table.assign(patient_nbr=numbering(test_table["patient_nbr"]))

    assert 0.8 < simple.coverage <= 1
    assert estimate_reliability(two_field_model, numbered) == simple


def test_the_coverage_of_a_single_patient_is_a_number(test_table: pd.DataFrame) -> None:
    found = estimate_reliability(two_field_model, test_table.head(150).assign(patient_nbr=2))

    assert 0 <= found.coverage <= 1


def test_the_weights_of_a_model_add_up_to_1(curve: ReliabilityCurve) -> None:
    assert tuple(curve.weights) == UNITS
    assert sum(curve.weights.values()) == pytest.approx(1)
    assert min(curve.weights.values()) >= 0
    assert curve.information_of(COMPLETE) == pytest.approx(1)


def test_the_curve_has_rising_degrees_from_0_to_1(curve: ReliabilityCurve) -> None:
    assert curve.information == DEGREES
    assert (DEGREES[0], DEGREES[-1]) == (0, 1)
    assert list(DEGREES) == sorted(set(DEGREES))
    assert np.shape(curve.auroc) == (2, len(DEGREES))
    assert np.shape(curve.low) == np.shape(curve.high) == (2, len(DEGREES), len(curve.risk_edges) + 1)


def test_the_expected_auroc_is_monotonic_and_at_least_one_half(curve: ReliabilityCurve) -> None:
    assert all(list(values) == sorted(values) for values in curve.auroc)
    assert all(0.5 <= values[0] <= values[-1] < 1 for values in curve.auroc)
    assert curve.auroc[0][0] == 0.5


def test_the_expected_auroc_of_complete_records_is_their_auroc(
    simple: ReliabilityCurve, test_table: pd.DataFrame
) -> None:
    ranking = auroc(target(test_table), two_field_model(model_inputs(test_table)))

    nothing, everything = map(simple.expected_auroc, ({}, COMPLETE))
    assert everything == pytest.approx(ranking, abs=0.03)
    assert nothing == 0.5


def test_the_range_of_a_complete_record_is_narrow(curve: ReliabilityCurve) -> None:
    ((low, high),) = curve.ranges([COMPLETE], np.array([0.12]))

    assert high - low < 0.02


def test_the_range_of_an_incomplete_record_is_wide(curve: ReliabilityCurve) -> None:
    ((low, high),) = curve.ranges([{"race": "Asian"}], np.array([0.12]))

    assert high - low > 0.05


def test_the_range_is_empty_once_all_used_fields_are_known(simple: ReliabilityCurve, test_table: pd.DataFrame) -> None:
    known = keep_only(test_table, ("number_inpatient", "time_in_hospital"))
    answers = two_field_model(model_inputs(known))

    np.testing.assert_allclose(
        simple.ranges(to_records(known), answers), np.stack([answers, answers], axis=1), atol=1e-3
    )


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_range_covers_the_complete_prediction_as_often_as_stated(
    fitted: RiskModel, curve: ReliabilityCurve, train_table: pd.DataFrame, share: float
) -> None:
    others = train_table.assign(earlier_stays=np.float32("nan"))  # patients that the range was not measured on
    complete = fitted.probabilities(model_inputs(others))
    hidden = mask_fields(others, share, seed=9)
    low, high = curve.ranges(to_records(hidden), fitted.probabilities(model_inputs(hidden))).T

    assert ((low - 1e-9 <= complete) & (complete <= high + 1e-9)).mean() > 0.8
    assert 0.84 <= curve.coverage <= 1


def test_information_is_equal_in_training_and_serving(simple: ReliabilityCurve, test_table: pd.DataFrame) -> None:
    weight = simple.weights["number_inpatient"]
    hidden = mask_fields(test_table, 0.5, seed=3)
    known = hidden["number_inpatient"].notna() * weight + hidden["time_in_hospital"].notna() * (1 - weight)

    served = [simple.information_of(record) for record in to_records(hidden)]
    np.testing.assert_allclose(served, known.to_numpy())


def test_the_curve_is_deterministic(simple: ReliabilityCurve, test_table: pd.DataFrame) -> None:
    assert estimate_reliability(two_field_model, test_table) == simple


def test_only_the_expected_auroc_depends_on_outcomes(simple: ReliabilityCurve, test_table: pd.DataFrame) -> None:
    outcomes = test_table[TARGET].sample(frac=1, random_state=1).to_numpy()
    found = estimate_reliability(two_field_model, test_table.assign(**{TARGET: outcomes}))

    assert replace(found, auroc=simple.auroc) == simple
    assert found.auroc[1][-1] < simple.auroc[1][-1]


def test_equal_outcomes_give_an_expected_auroc_of_one_half(test_table: pd.DataFrame) -> None:
    assert (
        estimate_reliability(two_field_model, test_table.assign(**{TARGET: "NO"})).auroc == ((0.5,) * len(DEGREES),) * 2
    )


def test_the_curve_survives_serialisation(curve: ReliabilityCurve) -> None:
    assert TypeAdapter(ReliabilityCurve).validate_json(json.dumps(asdict(curve))) == curve
