"""Reliability of incomplete records: shares of information, expected AUROC, ranges."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ml.core.reliability import UNITS, ReliabilityCurve, known_fields
from ml.schema import EXAMPLE_RECORD, FEATURE_NAMES, HISTORY_NAMES, Record

DEGREES = (0.0, 0.25, 0.5, 0.75, 1.0)
SERIALISED = TypeAdapter(ReliabilityCurve)
COMPLETE: Record = {**EXAMPLE_RECORD, "earlier_stays": 0}


def measured(**changes: Any) -> ReliabilityCurve:
    """Increasing weights, and ranges that shrink to zero with full information."""
    total = len(UNITS) * (len(UNITS) + 1) / 2
    fields: dict[str, Any] = {
        "weights": {name: rank / total for rank, name in enumerate(UNITS, start=1)},
        "information": DEGREES,
        "auroc": ((0.5, 0.56, 0.6, 0.64, 0.68), (0.6, 0.61, 0.63, 0.66, 0.69)),
        "risk_edges": (0.08, 0.14),
        "low": (tuple((-1.2 * (1 - d), -1.0 * (1 - d), -0.8 * (1 - d)) for d in DEGREES),) * 2,
        "high": (tuple((0.8 * (1 - d), 1.0 * (1 - d), 1.2 * (1 - d)) for d in DEGREES),) * 2,
        "coverage": 0.9,
    }
    return ReliabilityCurve(**{**fields, **changes})


RECORDS = st.sets(st.sampled_from(sorted(COMPLETE))).map(lambda names: {name: COMPLETE[name] for name in names})
RISKS = st.floats(0.001, 0.999)


def test_the_units_are_the_47_features_and_the_history_as_one() -> None:
    assert list(UNITS) == [*FEATURE_NAMES, "earlier_stays"]
    assert len(set(UNITS)) == 48


def test_known_fields_count_features_alone_and_no_nulls() -> None:
    assert known_fields({}) == 0
    assert known_fields(COMPLETE) == 47
    assert known_fields({"race": "Asian", "age": None, "earlier_stays": 3, "previous_stay": 2}) == 1


def test_a_complete_record_holds_all_information_and_an_empty_one_none() -> None:
    assert measured().information_of(COMPLETE) == pytest.approx(1)
    assert measured().information_of({}) == 0


@given(RECORDS, RECORDS)
def test_information_adds_up_over_what_is_known(one: Record, other: Record) -> None:
    shared = {name: value for name, value in one.items() if name in other}
    found = measured().information_of

    assert found({**one, **other}) == pytest.approx(found(one) + found(other) - found(shared))
    assert 0 <= found(one) <= found({**one, **other}) <= 1


def test_null_is_as_unknown_as_absent() -> None:
    assert measured().information_of(dict.fromkeys(COMPLETE)) == 0


def test_history_counts_as_one_unit() -> None:
    first, later = {"earlier_stays": 0}, {**dict.fromkeys(HISTORY_NAMES, 1)}

    assert measured().information_of(first) == measured().information_of(later) == measured().weights["earlier_stays"]


def test_rounding_never_exceeds_full_information() -> None:
    third = dict.fromkeys(UNITS, 1 / len(UNITS) + 1e-12)

    assert measured(weights=third).information_of(COMPLETE) == 1


def test_the_expected_auroc_lies_between_those_measured_with_history_or_without() -> None:
    even = measured(weights=dict.fromkeys(UNITS, 1 / len(UNITS)))
    six, more = ({name: EXAMPLE_RECORD[name] for name in FEATURE_NAMES[:count]} for count in (6, 5))

    found = [even.expected_auroc(record) for record in ({}, six, {**more, "earlier_stays": 0}, COMPLETE)]

    np.testing.assert_allclose(found, [0.5, 0.53, 0.605, 0.69])


@given(RECORDS, RECORDS)
def test_the_expected_auroc_never_falls_with_information(one: Record, other: Record) -> None:
    less, more = map(measured().expected_auroc, (one, {**one, **other}))

    assert less <= more


@given(st.lists(st.tuples(RECORDS, RISKS), min_size=1, max_size=12))
def test_a_range_contains_the_prediction_and_stays_within_0_and_1(asked: list[tuple[Record, float]]) -> None:
    records, risks = [record for record, _ in asked], np.array([risk for _, risk in asked])
    ranges = measured().ranges(records, risks)

    assert ranges.shape == (len(asked), 2)
    assert (ranges[:, 0] <= risks).all()
    assert (risks <= ranges[:, 1]).all()
    assert ((ranges >= 0) & (ranges <= 1)).all()


@given(RISKS)
def test_a_complete_record_has_no_width(risk: float) -> None:
    np.testing.assert_allclose(measured().ranges([COMPLETE], np.array([risk])), [[risk, risk]], rtol=1e-9)


@given(RECORDS, RECORDS, RISKS)
def test_the_range_narrows_with_more_information(one: Record, other: Record, risk: float) -> None:
    (wide, narrow) = measured().ranges([one, {**one, **other}], np.array([risk, risk]))

    assert wide[0] <= narrow[0] + 1e-12
    assert narrow[1] <= wide[1] + 1e-12


def test_ranges_depend_on_the_risk_level() -> None:
    risks = np.array([0.05, 0.1, 0.3])
    low, high = measured().ranges([{}, {}, {}], risks).T
    logit = np.log(risks / (1 - risks))

    np.testing.assert_allclose(np.log(low / (1 - low)) - logit, [-1.2, -1.0, -0.8])
    np.testing.assert_allclose(np.log(high / (1 - high)) - logit, [0.8, 1.0, 1.2])


@given(RECORDS, RISKS, RECORDS, RISKS)
def test_the_range_of_a_record_does_not_depend_on_the_batch(
    record: Record, risk: float, other: Record, other_risk: float
) -> None:
    together = measured().ranges([record, other], np.array([risk, other_risk]))

    np.testing.assert_array_equal(together[:1], measured().ranges([record], np.array([risk])))


@pytest.mark.parametrize("risk", [0.0, 1.0])
def test_probabilities_0_and_1_have_a_range(risk: float) -> None:
    ((low, high),) = measured().ranges([{}], np.array([risk], dtype=np.float32))

    assert 0 <= low <= risk <= high <= 1


def test_one_sided_ranges_contain_the_prediction() -> None:
    aside = measured(low=(((0.5,) * 3,) * len(DEGREES),) * 2, high=(((0.9,) * 3,) * len(DEGREES),) * 2)
    ((low, high),) = aside.ranges([{}], np.array([0.1]))

    assert low == 0.1 < high


def test_it_is_restored_from_json() -> None:
    found = measured()

    assert SERIALISED.validate_json(json.dumps(asdict(found))) == found


@pytest.mark.parametrize("change", [{"weights": None}, {"more": 1}], ids=["a field is missing", "a field is unknown"])
def test_malformed_json_is_refused(change: dict[str, Any]) -> None:
    fields = {**asdict(measured()), **change}
    kept = {name: value for name, value in fields.items() if value is not None}

    with pytest.raises(ValidationError):
        SERIALISED.validate_python(kept)
