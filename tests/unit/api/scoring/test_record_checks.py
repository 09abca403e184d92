"""Values that contradict one another."""

from typing import Any

import pytest

from api.scoring.record_checks import contradictions, contradictions_with_stays
from ml.schema import EXAMPLE_RECORD

STAY = {"gender": "Female", "age": "[70-80)"}


def fields(record: dict[str, Any]) -> list[str]:
    return [field for field, _ in contradictions(record)]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"gender": "Male", "diag_2": "650"}, "diag_2"),
        ({"gender": "Male", "diag_1": "V22.1"}, "diag_1"),
        ({"gender": "Male", "diag_1": "182"}, "diag_1"),
        ({"gender": "Female", "diag_3": "185"}, "diag_3"),
        ({"age": "[0-10)", "diag_1": "650"}, "diag_1"),
        ({"age": "[80-90)", "diag_1": "V27"}, "diag_1"),
        ({"age": "[40-50)", "diag_1": "769"}, "diag_1"),
        ({"diabetesMed": "No", "insulin": "Up"}, "diabetesMed"),
        ({"diabetesMed": "No", "metformin-rosiglitazone": "Steady"}, "diabetesMed"),
        ({"diabetesMed": "No", "change": "Ch"}, "change"),
        ({"change": "No", "glyburide": "Down"}, "change"),
        ({"number_diagnoses": 1, "diag_1": "428", "diag_3": "8"}, "number_diagnoses"),
    ],
)
def test_a_contradiction_names_one_of_its_fields(record: dict[str, Any], field: str) -> None:
    assert fields(record) == [field]
    assert all(record[field] is not None and str(record[field]) in message for _, message in contradictions(record))


@pytest.mark.parametrize(
    "record",
    [
        {},
        EXAMPLE_RECORD,
        {"gender": "Female", "diag_1": "650", "age": "[20-30)"},
        {"gender": "Unknown/Invalid", "diag_1": "650"},
        {"gender": "Male", "diag_1": "E909", "diag_2": "V45.11"},
        {"diabetesMed": "No", "insulin": "No", "change": "No"},
        {"diabetesMed": "Yes", "insulin": "Up"},
        {"number_diagnoses": 2, "diag_1": "428", "diag_3": "8"},
        {"age": "[0-10)", "diag_1": "769"},
        dict.fromkeys(EXAMPLE_RECORD),
    ],
)
def test_a_plausible_record_has_no_contradiction(record: dict[str, Any]) -> None:
    assert fields(record) == []


@pytest.mark.parametrize(
    ("record", "stays", "field"),
    [
        ({"gender": "Male"}, [STAY], ["gender"]),
        ({"gender": "Female", "age": "[70-80)"}, [STAY], []),
        ({"gender": "Male"}, [STAY, {"gender": "Male", "age": "[70-80)"}], []),
        ({"gender": "Unknown/Invalid"}, [STAY], []),
        ({"age": "[50-60)"}, [STAY], ["age"]),
        ({"age": "[60-70)"}, [STAY], []),
        ({"age": "[90-100)"}, [STAY], []),
        ({"gender": "Male", "age": "[0-10)"}, [], []),
        ({}, [STAY], []),
    ],
)
def test_stored_stays_of_another_person_are_noticed(
    record: dict[str, Any], stays: list[dict[str, Any]], field: list[str]
) -> None:
    assert [name for name, _ in contradictions_with_stays(record, stays)] == field
