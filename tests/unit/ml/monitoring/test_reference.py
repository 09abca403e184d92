"""References: training data for values, predictions for equally masked test patients for scores."""

import numpy as np
import pandas as pd
import pytest

from ml.core.bundle import Bundle
from ml.features.masking import keep_only, mask_fields
from ml.monitoring.drift import Comparison, Kind, State, run_tests
from ml.monitoring.reference import SCORE, ScoreReference, ValueReference
from ml.schema import FEATURE_NAMES
from tests.unit.ml.monitoring.conftest import WindowOf


@pytest.fixture(scope="module")
def values(train_table: pd.DataFrame) -> ValueReference:
    return ValueReference(train_table)


@pytest.fixture(scope="module")
def scores(bundle: Bundle, test_table: pd.DataFrame) -> ScoreReference:
    return ScoreReference(bundle, test_table)


def drifted(comparisons: list[Comparison]) -> set[tuple[Kind, str]]:
    return {(found.kind, found.feature) for found in run_tests(comparisons) if found.state is State.DRIFT}


def test_every_feature_has_a_value_test_and_a_known_test(
    values: ValueReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    found = list(values.compare(window_of(test_table.head(300))))

    assert [(one.kind, one.feature) for one in found] == [
        (kind, name) for name in FEATURE_NAMES for kind in (Kind.VALUE, Kind.KNOWN)
    ]
    for one in found:
        assert one.window.shape == one.reference.shape == (len(one.bins),)
        if one.kind is Kind.KNOWN:
            assert one.records == 300


def test_an_empty_window_is_not_enough_data(
    values: ValueReference, scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    empty = window_of(test_table.head(1)).of_version("another")
    found = run_tests([*values.compare(empty), scores.compare(empty)])

    assert {finding.state for finding in found} == {State.NOT_ENOUGH_DATA}


def test_a_missing_field_affects_its_known_test_only(
    values: ValueReference, scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    known = [name for name in FEATURE_NAMES if name not in ("number_inpatient", "insulin")]
    window = window_of(keep_only(test_table.head(1_000), known))

    assert drifted([*values.compare(window), scores.compare(window)]) == {
        (Kind.KNOWN, "number_inpatient"),
        (Kind.KNOWN, "insulin"),
    }


@pytest.mark.parametrize("history", [True, False])
def test_a_known_or_unknown_history_does_not_affect_the_scores(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf, history: bool
) -> None:
    window = window_of(test_table.head(1_000), history=history)

    assert drifted([scores.compare(window)]) == set()


def test_half_of_the_fields_unknown_does_not_affect_the_scores(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    compared = scores.compare(window_of(mask_fields(test_table.head(1_000), 0.5, seed=1)))

    assert drifted([compared]) == set()
    assert compared.records > 900, "nearly all have a match"


def test_patients_with_a_higher_risk_shift_the_scores(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    sick = test_table.nlargest(800, "number_inpatient")

    assert drifted([scores.compare(window_of(sick))]) == {(Kind.SCORE, SCORE)}


def test_a_record_without_a_match_is_left_out(bundle: Bundle, test_table: pd.DataFrame, window_of: WindowOf) -> None:
    without_race = ScoreReference(bundle, test_table.assign(race=test_table["race"].mask(test_table["race"].notna())))
    encounters = test_table.head(400)
    compared = without_race.compare(window_of(encounters))

    assert compared.records == encounters["race"].isna().sum() < 400
    assert without_race.compare(window_of(encounters[encounters["race"].notna()])).records == 0


def test_comparing_the_same_window_is_deterministic(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    one, other = (scores.compare(window_of(test_table.head(300))) for _ in range(2))

    np.testing.assert_array_equal(one.reference, other.reference)
    np.testing.assert_array_equal(one.window, other.window)
    assert one.bins == other.bins
