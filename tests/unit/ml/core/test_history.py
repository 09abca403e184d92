"""History inputs: computed from earlier encounters and from nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.history import SOURCE_COLUMNS, history_of
from ml.features.tables import with_history, without_history
from ml.schema import BY_NAME, CANNOT_BE_READMITTED, HISTORY, HISTORY_NAMES, INPUTS, Column, Group, Kind
from ml.warehouse.datasets import DTYPES

FIRST = {
    "discharge_disposition_id": 3,
    "time_in_hospital": 9,
    "number_inpatient": 4,
    "number_emergency": 2,
    "num_medications": 20,
    "num_lab_procedures": 61,
    "number_diagnoses": 9,
    "diag_1": "250.83",
}
SECOND = {
    "discharge_disposition_id": 1,
    "time_in_hospital": 2,
    "number_inpatient": 1,
    "number_emergency": 0,
    "num_medications": 7,
    "num_lab_procedures": 30,
    "number_diagnoses": 5,
    "diag_1": "428",
}
OUTCOMES = ("NO", ">30", "<30")


def values(name: str) -> st.SearchStrategy[Any]:
    column = BY_NAME[name]
    if column.kind is Kind.ICD9:
        return st.sampled_from(["428", "250.83", "V27", None])
    if column.kind is Kind.CODE:
        return st.sampled_from([c for c in column.allowed if c not in CANNOT_BE_READMITTED])
    return st.integers(column.low or 0, column.high or 0)


ENCOUNTER = st.fixed_dictionaries(
    {name: values(name) for name in SOURCE_COLUMNS} | {"readmitted": st.sampled_from(OUTCOMES)}
)
STAYS = st.lists(st.tuples(st.integers(1, 4), ENCOUNTER), min_size=1, max_size=14)
"""Encounters in order of time, each with its patient."""


def table_of(stays: Sequence[tuple[int, dict[str, Any]]]) -> pd.DataFrame:
    rows = [{"encounter_id": 100 + 7 * n, "patient_nbr": who, **stay} for n, (who, stay) in enumerate(stays)]
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=DTYPES[name]) for name in rows[0]})


def past(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of history by encounter; which categories occur depends on the other rows."""
    history = with_history(table).set_index("encounter_id")[list(HISTORY_NAMES)].sort_index()
    return history.astype({"previous_diagnosis": "str"})


def test_a_first_stay_has_zero_earlier_stays() -> None:
    assert history_of([]) == {"earlier_stays": 0}


def test_one_earlier_stay_is_the_previous_one() -> None:
    assert history_of([FIRST]) == {
        "earlier_stays": 1,
        "earlier_days": 9,
        "most_inpatient": 4,
        "previous_discharge": 3,
        "previous_stay": 9,
        "previous_inpatient": 4,
        "previous_emergency": 2,
        "previous_medications": 20,
        "previous_lab_tests": 61,
        "previous_diagnoses": 9,
        "previous_diagnosis": "250.83",
    }


def test_the_last_of_several_stays_is_the_previous_one() -> None:
    found = history_of([FIRST, SECOND])

    assert (found["earlier_stays"], found["earlier_days"], found["most_inpatient"]) == (2, 11, 4)
    assert (found["previous_discharge"], found["previous_diagnosis"], found["previous_stay"]) == (1, "428", 2)


def test_the_order_of_the_stays_matters() -> None:
    assert history_of([SECOND, FIRST])["previous_diagnosis"] == "250.83"


def test_unknown_values_of_the_last_stay_are_absent() -> None:
    unknown = {**SECOND, "diag_1": None, "num_medications": None}
    found = history_of([FIRST, unknown])

    assert {"previous_diagnosis", "previous_medications"}.isdisjoint(found)
    assert found["earlier_stays"] == 2


def test_unknown_numbers_of_earlier_stays_add_nothing_to_the_sums() -> None:
    unknown = {**SECOND, "time_in_hospital": None, "number_inpatient": None}
    found = history_of([FIRST, unknown])

    assert (found["earlier_days"], found["most_inpatient"]) == (9, 4)


@given(st.lists(ENCOUNTER, max_size=8))
def test_history_inputs_are_valid_by_the_schema(earlier: list[dict[str, Any]]) -> None:
    columns = {column.name: column for column in HISTORY}

    for name, value in history_of(earlier).items():
        assert columns[name].accepts(value), (name, value)


@given(st.lists(ENCOUNTER, max_size=6), st.data())
def test_no_outcome_reaches_the_history(earlier: list[dict[str, Any]], data: st.DataObject) -> None:
    others = [{**stay, "readmitted": data.draw(st.sampled_from(OUTCOMES))} for stay in earlier]

    assert history_of(others) == history_of(earlier)
    assert "readmitted" not in SOURCE_COLUMNS


@settings(max_examples=50, deadline=None)
@given(STAYS, st.data())
def test_later_encounters_do_not_change_the_history_of_earlier_ones(
    stays: list[tuple[int, dict[str, Any]]], data: st.DataObject
) -> None:
    until = data.draw(st.integers(1, len(stays)))

    pd.testing.assert_frame_equal(past(table_of(stays[:until])), past(table_of(stays)).head(until))


@settings(max_examples=50, deadline=None)
@given(STAYS)
def test_encounters_of_other_patients_change_nothing(stays: list[tuple[int, dict[str, Any]]]) -> None:
    table = table_of(stays)
    together = past(table)

    for _, own in table.groupby("patient_nbr"):
        pd.testing.assert_frame_equal(past(own), together.loc[sorted(own["encounter_id"])])


@settings(max_examples=50, deadline=None)
@given(STAYS, st.randoms(use_true_random=False))
def test_order_and_index_of_the_rows_do_not_matter(stays: list[tuple[int, dict[str, Any]]], random: Any) -> None:
    table = table_of(stays)
    order = list(range(len(table)))
    random.shuffle(order)
    shuffled = table.iloc[order].set_axis([0] * len(table))  # as after a concatenation: labels that repeat

    pd.testing.assert_frame_equal(past(shuffled), past(table))
    assert with_history(shuffled)["encounter_id"].tolist() == shuffled["encounter_id"].tolist()


@settings(max_examples=50, deadline=None)
@given(STAYS)
def test_training_and_serving_compute_the_same_history(stays: list[tuple[int, dict[str, Any]]]) -> None:
    table = with_history(table_of(stays))

    for place, (patient, _) in enumerate(stays):
        served = history_of([stay for who, stay in stays[:place] if who == patient])
        row = table.loc[place, list(HISTORY_NAMES)]
        assert {name: value for name, value in row.items() if not pd.isna(value)} == served


def test_the_synthetic_cohort_has_history(train_table: pd.DataFrame) -> None:
    rank = train_table.sort_values("encounter_id").groupby("patient_nbr").cumcount()

    assert train_table["earlier_stays"].equals(rank.sort_index().astype("float32"))
    first = train_table[train_table["earlier_stays"] == 0]
    assert first[list(HISTORY_NAMES[1:])].isna().all(axis=None)
    later = train_table[train_table["earlier_stays"] > 0]
    assert later["previous_stay"].between(1, 14).all()
    assert (later["earlier_days"] >= later["previous_stay"]).all()


def test_removed_history_is_unknown(train_table: pd.DataFrame) -> None:
    without = without_history(train_table)

    assert without[list(HISTORY_NAMES)].isna().all(axis=None)
    assert without.dtypes.equals(train_table.dtypes)
    pd.testing.assert_frame_equal(without[list(BY_NAME)], train_table[list(BY_NAME)])


def test_the_inputs_end_with_the_history_and_hold_no_count_of_all_stays_or_of_later_ones() -> None:
    names = [column.name for column in INPUTS]

    assert tuple(names[-len(HISTORY) :]) == HISTORY_NAMES
    assert all(name.startswith(("earlier_", "previous_", "most_")) for name in HISTORY_NAMES)
    assert {"patient_nbr", "encounter_id", "readmitted"}.isdisjoint(names)


@pytest.mark.parametrize("column", HISTORY, ids=lambda column: column.name)
def test_an_input_of_history_is_described_like_any_other(column: Column) -> None:
    assert column.group is Group.HISTORY
    assert column.label
    assert column.allowed if column.kind is Kind.CODE else column.unit
    assert not np.isnan(column.low or 0)
