"""What a window is compared with: training data for values, equally ignorant answers for scores."""

import numpy as np
import pandas as pd
import pytest

from ml.core.bundle import Bundle
from ml.features.masking import keep_only, mask_fields
from ml.monitoring.drift import Comparison, Kind, State, judge
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
    return {(found.kind, found.feature) for found in judge(comparisons) if found.state is State.DRIFT}


def test_every_feature_has_a_test_of_its_values_and_one_of_being_known(
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


def test_an_empty_window_is_compared_with_nothing(
    values: ValueReference, scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    empty = window_of(test_table.head(1)).of_version("another")
    found = judge([*values.compare(empty), scores.compare(empty)])

    assert {finding.state for finding in found} == {State.NOT_ENOUGH_DATA}


def test_a_field_that_is_left_out_moves_its_test_of_being_known_alone(
    values: ValueReference, scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    told = [name for name in FEATURE_NAMES if name not in ("number_inpatient", "insulin")]
    window = window_of(keep_only(test_table.head(1_000), told))

    assert drifted([*values.compare(window), scores.compare(window)]) == {
        (Kind.KNOWN, "number_inpatient"),
        (Kind.KNOWN, "insulin"),
    }


@pytest.mark.parametrize("past", [True, False])
def test_whether_the_past_is_known_never_moves_the_answers(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf, past: bool
) -> None:
    window = window_of(test_table.head(1_000), past=past)

    assert drifted([scores.compare(window)]) == set()


def test_half_of_the_fields_unknown_never_moves_the_answers(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    compared = scores.compare(window_of(mask_fields(test_table.head(1_000), 0.5, seed=1)))

    assert drifted([compared]) == set()
    assert compared.records > 900, "nearly all have a counterpart"


def test_sicker_patients_move_the_answers(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    sick = test_table.nlargest(800, "number_inpatient")

    assert drifted([scores.compare(window_of(sick))]) == {(Kind.SCORE, SCORE)}


def test_a_record_without_a_counterpart_is_left_out(
    bundle: Bundle, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    without_race = ScoreReference(bundle, test_table.assign(race=test_table["race"].mask(test_table["race"].notna())))
    asked = test_table.head(400)
    compared = without_race.compare(window_of(asked))

    assert compared.records == asked["race"].isna().sum() < 400
    assert without_race.compare(window_of(asked[asked["race"].notna()])).records == 0


def test_the_same_window_is_compared_the_same_way_each_time(
    scores: ScoreReference, test_table: pd.DataFrame, window_of: WindowOf
) -> None:
    one, other = (scores.compare(window_of(test_table.head(300))) for _ in range(2))

    np.testing.assert_array_equal(one.reference, other.reference)
    np.testing.assert_array_equal(one.window, other.window)
    assert one.bins == other.bins
