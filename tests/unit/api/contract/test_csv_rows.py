"""A CSV line means the same as a JSON record."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.contract.csv_rows import Header, LineError
from api.contract.requests import FIELD_NAMES, RECORDS_ADAPTER
from api.errors import InvalidRecordsError
from ml.schema import BY_NAME, COLUMN_NAMES, EXAMPLE_RECORD, FEATURES, Column, Kind
from tests.support.codes import ICD9_CODES


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if column.kind is Kind.ICD9:
        return ICD9_CODES
    return st.sampled_from(column.allowed) if column.allowed else st.integers(column.low, column.high)


RECORDS = st.fixed_dictionaries({}, optional={name: values_of(BY_NAME[name]) for name in FIELD_NAMES})


def line_of(cells: list[Any], quoting: Any = csv.QUOTE_MINIMAL) -> str:
    sink = io.StringIO()
    csv.writer(sink, quoting=quoting, lineterminator="").writerow(cells)
    return sink.getvalue()


def header_error(line: str) -> dict[str, Any]:
    with pytest.raises(InvalidRecordsError) as caught:
        Header(line)
    (error,) = caught.value.members["errors"]
    assert error["line"] == 1
    assert error["record"] is None or line.count('"') == 1
    return dict(error)


@given(
    record=RECORDS,
    names=st.permutations(FIELD_NAMES),
    unknown=st.sampled_from(["", "?"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_a_written_record_is_parsed_unchanged(
    record: dict[str, Any], names: list[str], unknown: str, quoting: Any
) -> None:
    line = line_of([record.get(name, unknown) for name in names], quoting)

    assert Header(",".join(names)).record_of(line) == record


@given(name=st.sampled_from(FIELD_NAMES), text=st.text(max_size=12) | st.from_regex(r"[0-9V.E]{1,6}", fullmatch=True))
def test_a_text_is_valid_exactly_if_its_value_is_valid_in_json(name: str, text: str) -> None:
    if "\n" in text or "\r" in text or text in ("", "?"):
        return
    number = text.isascii() and text.removesuffix(".0").isdigit() and BY_NAME[name].is_number
    value = int(text.removesuffix(".0")) if number else text
    try:
        expected = RECORDS_ADAPTER.validate_python([{name: value}])[0]
    except ValidationError:
        with pytest.raises(LineError):
            Header(name).record_of(line_of([text]))
    else:
        assert Header(name).record_of(line_of([text])) == expected


def test_the_header_of_the_data_set_is_valid() -> None:
    header = Header(",".join(COLUMN_NAMES))
    cells = {**dict.fromkeys(COLUMN_NAMES, "?"), **EXAMPLE_RECORD, "patient_nbr": 1, "readmitted": "<30"}

    assert header.record_of(line_of([cells[name] for name in COLUMN_NAMES])) == {"patient_nbr": 1, **EXAMPLE_RECORD}


@pytest.mark.parametrize("name", ["max_glu_serum", "A1Cresult"])
def test_none_is_a_value_of_the_laboratory_columns_only(name: str) -> None:
    assert Header(name).record_of("None") == {name: "None"}
    with pytest.raises(LineError):
        Header("weight").record_of("None")


@pytest.mark.parametrize("outcome", ["<30", ">30", "NO", "?", ""])
def test_the_outcome_is_accepted_and_not_part_of_the_record(outcome: str) -> None:
    assert Header("age,readmitted").record_of(f"[60-70),{outcome}") == {"age": "[60-70)"}


def test_an_invalid_outcome_is_rejected() -> None:
    with pytest.raises(LineError) as caught:
        Header("age,readmitted").record_of("[60-70),=1+1")

    (error,) = caught.value.field_errors(3, 5)
    assert error.message == "readmitted must be one of 'NO', '>30', '<30', or empty; '=1+1' is not"


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("3.0", 3), ("3.00", 3), ("03", 3)])
def test_a_whole_number_may_have_a_decimal_point(text: str, value: int) -> None:
    assert Header("time_in_hospital").record_of(text) == {"time_in_hospital": value}


@pytest.mark.parametrize("text", ["3.5", "-3", "+3", "1e1", " 3", "3.", "٣", "0x3", "15", "nan", "9" * 20])
def test_invalid_whole_numbers(text: str) -> None:
    with pytest.raises(LineError):
        Header("time_in_hospital").record_of(text)


def test_an_error_has_record_line_field_value_and_allowed_values() -> None:
    with pytest.raises(LineError) as caught:
        Header("age,gender").record_of("[60-70),female")

    (error,) = caught.value.field_errors(6, 8)
    assert error.to_json() == {
        "line": 8,
        "record": 6,
        "field": "gender",
        "value": "female",
        "message": "gender must be one of 'Female', 'Male', 'Unknown/Invalid', or empty; 'female' is not",
        "allowed": ("Female", "Male", "Unknown/Invalid"),
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Asian", "the line has 1 values, the header names 2"),
        ("Asian,Male,1", "the line has 3 values, the header names 2"),
        ('"Asian,Male', "the line has a quotation mark that is not closed, or not doubled within a value"),
        ('"Asian"x,Male', "the line has a quotation mark that is not closed, or not doubled within a value"),
    ],
)
def test_a_line_that_does_not_match_the_header_is_rejected_as_a_whole(line: str, message: str) -> None:
    with pytest.raises(LineError) as caught:
        Header("race,gender").record_of(line)

    (error,) = caught.value.field_errors(0, 2)
    assert (error.field, error.message) == (None, message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("age,time_in_hospitl", "unknown field 'time_in_hospitl'; did you mean 'time_in_hospital'?"),
        ("age,readmission_risk", "column 'readmission_risk' belongs to a result; send the file without it"),
        ("earlier_stays", "unknown field 'earlier_stays'; the fields are listed under /docs"),
        (",age", "column 1 has no name; with pandas, write the file with index=False"),
        ("age,age", "the header names column 'age' twice"),
        ("age;gender", "the columns must be separated by commas"),
        ("age\tgender", "the columns must be separated by commas"),
        ("", "the first line must name the columns"),
        ("a," * 8_000, "the header names 8001 columns; the schema has 50"),
        ('"age', "the line has a quotation mark that is not closed, or not doubled within a value"),
    ],
)
def test_an_invalid_header_is_rejected_with_a_hint(line: str, message: str) -> None:
    assert header_error(line)["message"].startswith(message)


def test_all_features_are_valid_columns() -> None:
    assert Header(",".join(column.name for column in FEATURES)).names == tuple(column.name for column in FEATURES)
