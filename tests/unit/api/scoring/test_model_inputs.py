"""Model inputs: only the past of a patient becomes history."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from api.scoring.model_inputs import add_history, patients_of
from ml.core.history import SOURCE_COLUMNS
from ml.schema import BY_NAME, CANNOT_BE_READMITTED, Record

FIELDS: dict[str, Any] = {"race": "Asian", "gender": None, "time_in_hospital": 3}


def encounter(number: int, **values: Any) -> dict[str, Any]:
    """An encounter as PostgreSQL returns it."""
    defaults = {name: "428" if name == "diag_1" else BY_NAME[name].low or 1 for name in SOURCE_COLUMNS}
    return {"encounter_id": number, **defaults, **values}


STAYS = (encounter(10, time_in_hospital=2), encounter(20, time_in_hospital=5), encounter(30, time_in_hospital=4))


def test_a_record_without_a_patient_number_has_no_history() -> None:
    assert add_history({**FIELDS, "encounter_id": 20}, {}) == (FIELDS, "none")


def test_a_patient_that_was_not_looked_up_is_unavailable_and_one_without_encounters_is_unknown() -> None:
    record = {**FIELDS, "patient_nbr": 1}

    assert add_history(record, {}) == (FIELDS, "unavailable")
    assert add_history(record, {1: ()}) == (FIELDS, "unknown")


def test_a_patient_with_a_text_is_unknown_without_a_lookup() -> None:
    record = {**FIELDS, "patient_nbr": "MRN-7"}

    assert patients_of([record]) == set()
    assert add_history(record, {}) == (FIELDS, "unknown")


def test_an_encounter_with_a_text_is_not_stored_so_all_stays_are_earlier_ones() -> None:
    with_text = add_history({**FIELDS, "patient_nbr": 1, "encounter_id": "E-7"}, {1: STAYS})

    assert with_text == add_history({**FIELDS, "patient_nbr": 1}, {1: STAYS})


def test_without_an_encounter_id_all_stays_are_earlier_ones() -> None:
    inputs, state = add_history({**FIELDS, "patient_nbr": 1}, {1: STAYS})

    assert state == "used"
    assert (inputs["earlier_stays"], inputs["earlier_days"], inputs["previous_stay"]) == (3, 11, 4)


@pytest.mark.parametrize(("number", "stays"), [(10, 0), (11, 1), (20, 1), (30, 2), (99, 3)])
def test_only_stays_before_the_encounter_count(number: int, stays: int) -> None:
    inputs, state = add_history({"patient_nbr": 1, "encounter_id": number}, {1: STAYS})

    assert (inputs["earlier_stays"], state) == (stays, "used")


@given(numbers=st.lists(st.integers(1, 99), unique=True).map(sorted), before=st.integers(1, 99))
def test_later_stays_do_not_change_the_inputs(numbers: list[int], before: int) -> None:
    stays = tuple(encounter(number, time_in_hospital=1 + number % 14) for number in numbers)
    past = tuple(stay for stay in stays if stay["encounter_id"] < before)
    record: Record = {"patient_nbr": 1, "encounter_id": before}

    inputs, _ = add_history(record, {1: stays})
    assert not past or inputs == add_history(record, {1: past})[0]
    assert inputs == (add_history({"patient_nbr": 1}, {1: past})[0] if past else {"earlier_stays": 0} if stays else {})


@pytest.mark.parametrize("code", sorted(CANNOT_BE_READMITTED))
def test_a_stay_outside_the_cohort_does_not_count_but_the_patient_is_known(code: int) -> None:
    outside = encounter(15, discharge_disposition_id=code)

    assert add_history({"patient_nbr": 1}, {1: (outside,)}) == ({"earlier_stays": 0}, "used")
    assert add_history({"patient_nbr": 1}, {1: (STAYS[0], outside)})[0]["earlier_stays"] == 1


def test_identifiers_are_no_model_inputs() -> None:
    inputs, _ = add_history({"patient_nbr": 1, "encounter_id": 99}, {1: STAYS})

    assert {"patient_nbr", "encounter_id", "readmitted"}.isdisjoint(inputs)


def test_each_patient_is_looked_up_once() -> None:
    records: list[Record] = [{}, {"patient_nbr": None}, {"patient_nbr": 3}, {"patient_nbr": 3}, {"patient_nbr": 4}]

    assert patients_of(records) == {3, 4}
