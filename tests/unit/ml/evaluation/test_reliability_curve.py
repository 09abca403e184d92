"""Measuring what answers are worth to those who cannot tell everything: on models whose worth is known."""

import json
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


def of_two_fields(inputs: Inputs) -> np.ndarray:
    """Risk by inpatient stays and, far less, by days of the stay; an unknown number counts as an ordinary one."""
    stays = np.nan_to_num(inputs.numbers[:, NUMBERS.index("number_inpatient")], nan=0.6)
    days = np.nan_to_num(inputs.numbers[:, NUMBERS.index("time_in_hospital")], nan=4.4)
    return np.asarray(1 / (1 + np.exp(2.2 - 0.8 * stays - 0.02 * days)), dtype=np.float64)


def of_nothing(inputs: Inputs) -> np.ndarray:
    return np.full(len(inputs), 0.11)


@pytest.fixture(scope="module")
def simple(test_table: pd.DataFrame) -> ReliabilityCurve:
    return estimate_reliability(of_two_fields, test_table)


@pytest.fixture(scope="session")
def appraised(fitted: RiskModel, test_table: pd.DataFrame) -> ReliabilityCurve:
    return estimate_reliability(fitted.probabilities, test_table)


def test_the_weights_are_shares_of_what_moves_the_answer(simple: ReliabilityCurve) -> None:
    used = {name for name, weight in simple.weights.items() if weight > 0}

    assert used == {"number_inpatient", "time_in_hospital"}
    assert simple.weights["number_inpatient"] > 4 * simple.weights["time_in_hospital"]


def test_a_model_that_always_says_the_same_weighs_all_alike_and_has_no_range(test_table: pd.DataFrame) -> None:
    found = estimate_reliability(of_nothing, test_table)
    ranges = found.ranges([{}, EXAMPLE_RECORD], np.array([0.11, 0.11]))

    assert set(found.weights.values()) == {1 / len(UNITS)}
    assert found.auroc == ((0.5,) * len(DEGREES),) * 2
    np.testing.assert_allclose(ranges, 0.11)
    assert found.coverage == 1


def test_the_weights_of_a_model_add_up_to_1(appraised: ReliabilityCurve) -> None:
    assert tuple(appraised.weights) == UNITS
    assert sum(appraised.weights.values()) == pytest.approx(1)
    assert min(appraised.weights.values()) >= 0
    assert appraised.information_of(COMPLETE) == pytest.approx(1)


def test_the_figures_stand_at_rising_degrees_from_nothing_to_everything(appraised: ReliabilityCurve) -> None:
    assert appraised.information == DEGREES
    assert (DEGREES[0], DEGREES[-1]) == (0, 1)
    assert list(DEGREES) == sorted(set(DEGREES))
    assert np.shape(appraised.auroc) == (2, len(DEGREES))
    assert np.shape(appraised.low) == np.shape(appraised.high) == (2, len(DEGREES), len(appraised.risk_edges) + 1)


def test_the_expected_auroc_never_falls_and_is_never_worse_than_chance(appraised: ReliabilityCurve) -> None:
    assert all(list(curve) == sorted(curve) for curve in appraised.auroc)
    assert all(0.5 <= curve[0] <= curve[-1] < 1 for curve in appraised.auroc)
    assert appraised.auroc[0][0] == 0.5


def test_the_expected_auroc_of_complete_records_is_the_one_they_have(
    simple: ReliabilityCurve, test_table: pd.DataFrame
) -> None:
    ranking = auroc(target(test_table), of_two_fields(model_inputs(test_table)))

    nothing, everything = map(simple.expected_auroc, ({}, COMPLETE))
    assert everything == pytest.approx(ranking, abs=0.03)
    assert nothing == 0.5


def test_a_record_that_tells_everything_has_nearly_no_width(appraised: ReliabilityCurve) -> None:
    ((low, high),) = appraised.ranges([COMPLETE], np.array([0.12]))

    assert high - low < 0.02


def test_a_record_that_tells_little_has_a_wide_range(appraised: ReliabilityCurve) -> None:
    ((low, high),) = appraised.ranges([{"race": "Asian"}], np.array([0.12]))

    assert high - low > 0.05


def test_the_range_of_two_fields_is_nothing_once_both_are_known(
    simple: ReliabilityCurve, test_table: pd.DataFrame
) -> None:
    known = keep_only(test_table, ("number_inpatient", "time_in_hospital"))
    answers = of_two_fields(model_inputs(known))

    np.testing.assert_allclose(
        simple.ranges(to_records(known), answers), np.stack([answers, answers], axis=1), atol=1e-3
    )


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_range_holds_the_complete_answer_for_the_share_that_is_stated(
    fitted: RiskModel, appraised: ReliabilityCurve, train_table: pd.DataFrame, share: float
) -> None:
    others = train_table.assign(earlier_stays=np.float32("nan"))  # patients that the range was not measured on
    complete = fitted.probabilities(model_inputs(others))
    hidden = mask_fields(others, share, seed=9)
    low, high = appraised.ranges(to_records(hidden), fitted.probabilities(model_inputs(hidden))).T

    assert ((low - 1e-9 <= complete) & (complete <= high + 1e-9)).mean() > 0.8
    assert 0.84 <= appraised.coverage <= 1


def test_information_means_the_same_when_measuring_and_when_serving(
    simple: ReliabilityCurve, test_table: pd.DataFrame
) -> None:
    weight = simple.weights["number_inpatient"]
    hidden = mask_fields(test_table, 0.5, seed=3)
    known = hidden["number_inpatient"].notna() * weight + hidden["time_in_hospital"].notna() * (1 - weight)

    served = [simple.information_of(record) for record in to_records(hidden)]
    np.testing.assert_allclose(served, known.to_numpy())


def test_measuring_twice_gives_the_same_figures(simple: ReliabilityCurve, test_table: pd.DataFrame) -> None:
    assert estimate_reliability(of_two_fields, test_table) == simple


def test_only_the_expected_auroc_depends_on_outcomes(simple: ReliabilityCurve, test_table: pd.DataFrame) -> None:
    outcomes = test_table[TARGET].sample(frac=1, random_state=1).to_numpy()
    found = estimate_reliability(of_two_fields, test_table.assign(**{TARGET: outcomes}))

    assert replace(found, auroc=simple.auroc) == simple
    assert found.auroc[1][-1] < simple.auroc[1][-1]


def test_a_test_set_of_one_kind_of_outcome_has_no_auroc_and_is_no_failure(test_table: pd.DataFrame) -> None:
    assert (
        estimate_reliability(of_two_fields, test_table.assign(**{TARGET: "NO"})).auroc == ((0.5,) * len(DEGREES),) * 2
    )


def test_the_figures_survive_the_way_through_the_manifest(appraised: ReliabilityCurve) -> None:
    assert TypeAdapter(ReliabilityCurve).validate_json(json.dumps(asdict(appraised))) == appraised
