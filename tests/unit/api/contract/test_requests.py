"""The request model has the fields and allowed values of the schema."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.contract.requests import RECORDS_ADAPTER, PatientRecord
from ml.schema import EXAMPLE_RECORD, FEATURES, Column, Kind

SCHEMA: dict[str, Any] = TypeAdapter(PatientRecord).json_schema()
CATEGORIES = [column for column in FEATURES if column.allowed]
COUNTS = [column for column in FEATURES if column.kind is Kind.COUNT]


def is_valid(name: str, value: Any) -> bool:
    try:
        return RECORDS_ADAPTER.validate_python([{name: value}]) == [{name: value}]
    except ValidationError:
        return False


def test_the_fields_are_the_47_features_and_the_identifiers() -> None:
    assert list(SCHEMA["properties"]) == [*(column.name for column in FEATURES), "patient_nbr", "encounter_id"]
    assert SCHEMA["additionalProperties"] is False
    assert "required" not in SCHEMA


def test_the_full_example_is_valid_and_returned_unchanged() -> None:
    assert RECORDS_ADAPTER.validate_python([EXAMPLE_RECORD]) == [EXAMPLE_RECORD]


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
def test_every_field_is_nullable_and_described(column: Column) -> None:
    assert is_valid(column.name, None)
    described = SCHEMA["properties"][column.name]
    assert described["title"] == column.label
    assert "Absent or null: unknown." in described["description"]


@pytest.mark.parametrize("column", CATEGORIES, ids=lambda column: column.name)
def test_allowed_values_are_those_of_the_schema(column: Column) -> None:
    assert all(is_valid(column.name, value) for value in column.allowed)
    assert not is_valid(column.name, "not allowed")
    (choice, _) = SCHEMA["properties"][column.name]["anyOf"]
    assert choice.get("enum", [choice.get("const")]) == list(column.allowed)


@pytest.mark.parametrize("column", COUNTS, ids=lambda column: column.name)
def test_counts_have_a_range(column: Column) -> None:
    assert column.low is not None
    assert column.high is not None
    assert is_valid(column.name, column.low)
    assert is_valid(column.name, column.high)
    assert not is_valid(column.name, column.low - 1)
    assert not is_valid(column.name, column.high + 1)


@pytest.mark.parametrize("name", ["admission_type_id", "time_in_hospital"])
@pytest.mark.parametrize("value", ["3", 3.5, True, [3], {"value": 3}, float("inf"), float("nan")], ids=str)
def test_values_that_are_no_whole_numbers_are_invalid(name: str, value: Any) -> None:
    assert not is_valid(name, value)


@pytest.mark.parametrize("name", ["admission_type_id", "time_in_hospital"])
def test_a_whole_number_may_have_a_decimal_point_as_in_json_schema(name: str) -> None:
    (record,) = RECORDS_ADAPTER.validate_json(f'[{{"{name}": 3.0}}]')

    assert type(record[name]) is int


@pytest.mark.parametrize("code", ["428", "250.83", "V27", "V45.81", "E909", "E909.1", "5"])
def test_valid_icd9_codes(code: str) -> None:
    assert is_valid("diag_1", code)


@pytest.mark.parametrize("code", ["", "4288", "428\n", " 428", "٤٢٨", "v27", "428.123", 428])
def test_invalid_icd9_codes(code: Any) -> None:
    assert not is_valid("diag_1", code)
