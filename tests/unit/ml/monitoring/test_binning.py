"""Bins: every value has one, whatever it is, and they come from the reference alone."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.icd9 import CHAPTERS
from ml.monitoring.binning import ELSE, FREQUENT, SINGLE_VALUES, binning_of, count
from ml.schema import BY_NAME, FEATURES, ICD9_PATTERN, Column, Kind


def values_of(column: Column) -> st.SearchStrategy[list[object]]:
    if column.kind is Kind.ICD9:
        one: st.SearchStrategy[object] = st.from_regex(ICD9_PATTERN, fullmatch=True).filter(str.isascii)
    elif column.kind is Kind.COUNT:
        one = st.integers(column.low or 0, column.high or 0)
    else:
        one = st.sampled_from(column.allowed)
    return st.lists(st.none() | one, min_size=1, max_size=60)


def series(column: Column, values: list[object]) -> pd.Series:
    return pd.Series(values, dtype="Float32" if column.is_number else "str")


@given(st.data())
@settings(deadline=None)
def test_every_value_that_the_schema_allows_falls_into_exactly_one_bin(data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(FEATURES))
    reference, window = (series(column, data.draw(values_of(column))) for _ in range(2))
    binning = binning_of(column, reference)

    for values in (reference, window):
        counts = count(binning, values)
        assert counts.shape == (len(binning.labels),)
        assert counts.sum() == values.notna().sum()
    assert len(set(binning.labels)) == len(binning.labels)


def binned(name: str, reference: list[object], window: list[object]) -> dict[str, int]:
    column = BY_NAME[name]
    binning = binning_of(column, series(column, reference))
    counts = count(binning, series(column, window))
    return {label: int(number) for label, number in zip(binning.labels, counts, strict=True) if number}


def test_categories_and_codes_keep_their_values() -> None:
    assert binned("gender", ["Female"], ["Male", "Female", "Male", None]) == {"Female": 1, "Male": 2}
    assert binned("admission_type_id", [1], [1, 6, 6]) == {"1": 1, "6": 2}
    assert binned("gender", ["Female"], ["Robot"]) == {ELSE: 1}


def test_few_different_counts_have_a_bin_each_and_greater_ones_join_the_last() -> None:
    found = binned("num_procedures", [0, 0, 1, 2, 6], [0, 1, 2, 4, 6, 10])

    assert found == {"up to 0": 1, "1": 1, "2": 1, "above 2": 3}


def test_many_different_counts_have_bins_of_a_tenth_each() -> None:
    reference = list(range(1, 101))
    found = binned("num_lab_procedures", reference, reference)

    assert len(reference) > SINGLE_VALUES
    assert len(found) == 10
    assert set(found.values()) == {10}


def test_a_count_that_is_mostly_zero_keeps_zero_apart() -> None:
    reference = [0] * 900 + list(range(1, 41)) * 2 + [0] * 20
    found = binned("number_outpatient", reference, [0, 0, 1, 30])

    assert found["up to 0"] == 2
    assert sum(found.values()) == 4


def test_diagnoses_are_frequent_codes_or_else_chapters() -> None:
    reference = ["428"] * 50 + ["250.83"] * 49 + ["401"]
    found = binned("diag_1", reference, ["428", "427", "250.83", "250", "V27", "E909"])

    assert FREQUENT * len(reference) == 1
    assert found == {
        "428": 1,
        "250.83": 1,
        "other 390 to 459": 1,
        "other 250": 1,
        "other V": 1,
        "other E": 1,
    }


def test_a_feature_that_the_reference_never_knows_still_has_bins() -> None:
    assert binned("number_emergency", [None], [0, 3]) == {"any": 2}
    assert sum(binned("diag_3", [None], ["428", "250"]).values()) == 2


def test_labels_name_every_chapter_once() -> None:
    labels = binning_of(BY_NAME["diag_1"], pd.Series([], dtype="str")).labels

    assert len(labels) == len(set(labels)) == len(CHAPTERS) + 1


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
def test_every_feature_of_the_schema_has_bins(column: Column) -> None:
    assert count(binning_of(column, series(column, [column.example])), series(column, [column.example])).sum() == 1
