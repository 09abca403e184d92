"""States and tests of a monitoring run."""

import pytest

from infra.exporter.warehouse import STATES
from ml.schema import BY_NAME
from ui.clients.prometheus import Sample
from ui.monitoring.panels.drift import CODES, DriftState, DriftTest, drift_tests, of_kind, state_of, summary


def test_codes_are_those_of_the_exporter() -> None:
    assert {state.value.replace(" ", "_"): code for code, state in CODES.items()} == STATES


@pytest.mark.parametrize(
    ("code", "database", "state"),
    [
        (1.0, 1.0, DriftState.DRIFT),
        (0.0, 1.0, DriftState.OK),
        (-1.0, None, DriftState.NOT_ENOUGH_DATA),
        (None, 1.0, DriftState.NO_RUN),
        (None, 0.0, DriftState.DATABASE_DOWN),
        (None, None, DriftState.NO_EXPORTER),
    ],
)
def test_a_missing_run_is_distinguished_from_one_that_cannot_be_read(
    code: float | None, database: float | None, state: DriftState
) -> None:
    assert state_of(code, database) is state


def test_drifted_features_come_first_then_the_nearest_to_drift() -> None:
    tests = [
        DriftTest("value", "race", DriftState.OK, 0.01, 0.1),
        DriftTest("value", "gender", DriftState.OK, 0.09, 0.1),
        DriftTest("value", "age", DriftState.DRIFT, 0.2, 0.1),
        DriftTest("known", "age", DriftState.OK, 0.05, 0.1),
    ]
    assert [test.feature for test in of_kind(tests, "value")] == ["age", "gender", "race"]


def test_a_test_without_distance_is_kept_and_an_unknown_kind_left_out() -> None:
    samples = [Sample({"kind": "value", "feature": "age"}, -1), Sample({"kind": "later", "feature": "age"}, 1)]
    found = drift_tests(samples, [], [])
    assert found == (DriftTest("value", "age", DriftState.NOT_ENOUGH_DATA),)
    assert found[0].ratio == 0


def test_features_have_the_labels_of_the_schema() -> None:
    assert DriftTest("value", "race", DriftState.OK).label == BY_NAME["race"].label
    assert DriftTest("score", "probability", DriftState.OK).label == "Predicted risk"


def test_drifted_features_are_named_with_distance_and_threshold() -> None:
    drifted = DriftTest("value", "race", DriftState.DRIFT, 0.2, 0.1)
    assert summary([drifted]) == "These differ: Race: 0.200, drift from 0.100 on."
    assert summary([]) == "None differs by more than chance."
