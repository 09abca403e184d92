"""Binning: every value has a bin, and the bins depend on the reference only."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.icd9 import CHAPTERS
from ml.monitoring.binning import MAX_SINGLE_VALUES, MIN_CODE_SHARE, OTHER, feature_binning
from ml.schema import BY_NAME, FEATURES, Column, Kind
from tests.support.codes import ICD9_CODES


def values_of(column: Column) -> st.SearchStrategy[list[object]]:
    if column.kind is Kind.ICD9:
        one: st.SearchStrategy[object] = ICD9_CODES
    elif column.kind is Kind.COUNT:
        one = st.integers(column.low or 0, column.high or 0)
    else:
        one = st.sampled_from(column.allowed)
    return st.lists(st.none() | one, min_size=1, max_size=60)


def series(column: Column, values: list[object]) -> pd.Series:
    return pd.Series(values, dtype="Float32" if column.is_number else "str")


@given(st.data())
@settings(deadline=None)
def test_every_allowed_value_falls_into_exactly_one_bin(data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(FEATURES))
    reference, window = (series(column, data.draw(values_of(column))) for _ in range(2))
    binning = feature_binning(column, reference)

    for values in (reference, window):
        counts = binning.count(values)
        assert counts.shape == (len(binning.labels),)
        assert counts.sum() == values.notna().sum()
    assert len(set(binning.labels)) == len(binning.labels)


def binned(name: str, reference: list[object], window: list[object]) -> dict[str, int]:
    column = BY_NAME[name]
    binning = feature_binning(column, series(column, reference))
    counts = binning.count(series(column, window))
    return {label: int(number) for label, number in zip(binning.labels, counts, strict=True) if number}


def test_categories_and_codes_are_binned_by_value() -> None:
    assert binned("gender", ["Female"], ["Male", "Female", "Male", None]) == {"Female": 1, "Male": 2}
    assert binned("admission_type_id", [1], [1, 6, 6]) == {"1": 1, "6": 2}
    assert binned("gender", ["Female"], ["Robot"]) == {OTHER: 1}


def test_few_distinct_counts_have_a_bin_each_and_larger_counts_join_the_last() -> None:
    found = binned("num_procedures", [0, 0, 1, 2, 6], [0, 1, 2, 4, 6, 10])

    assert found == {"up to 0": 1, "1": 1, "2": 1, "above 2": 3}


def test_many_distinct_counts_are_binned_by_decile() -> None:
    reference = list(range(1, 101))
    found = binned("num_lab_procedures", reference, reference)

    assert len(reference) > MAX_SINGLE_VALUES
    assert len(found) == 10
    assert set(found.values()) == {10}


def test_a_count_that_is_mostly_zero_has_a_bin_for_zero() -> None:
    reference = [0] * 900 + list(range(1, 41)) * 2 + [0] * 20
    found = binned("number_outpatient", reference, [0, 0, 1, 30])

    assert found["up to 0"] == 2
    assert sum(found.values()) == 4


def test_diagnoses_are_binned_by_frequent_code_or_chapter() -> None:
    reference = ["428"] * 50 + ["250.83"] * 49 + ["401"]
    found = binned("diag_1", reference, ["428", "427", "250.83", "250", "V27", "E909"])

    assert MIN_CODE_SHARE * len(reference) == 1
    assert found == {
        "428": 1,
        "250.83": 1,
        "other 390 to 459": 1,
        "other 250": 1,
        "other V": 1,
        "other E": 1,
    }


def test_a_feature_unknown_in_the_reference_has_bins() -> None:
    assert binned("number_emergency", [None], [0, 3]) == {"any": 2}
    assert sum(binned("diag_3", [None], ["428", "250"]).values()) == 2


def test_every_chapter_has_one_label() -> None:
    labels = feature_binning(BY_NAME["diag_1"], pd.Series([], dtype="str")).labels

    assert len(labels) == len(set(labels)) == len(CHAPTERS) + 1


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
def test_every_feature_of_the_schema_has_bins(column: Column) -> None:
    example = series(column, [column.example])
    assert feature_binning(column, example).count(example).sum() == 1
