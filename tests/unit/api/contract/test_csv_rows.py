"""A line of a file means what a record of /predict means."""

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

CODES = st.from_regex(r"(V[0-9]{2}|E[0-9]{3}|[0-9]{1,3})", fullmatch=True)


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if column.kind is Kind.ICD9:
        return CODES
    return st.sampled_from(column.allowed) if column.allowed else st.integers(column.low, column.high)


RECORDS = st.fixed_dictionaries({}, optional={name: values_of(BY_NAME[name]) for name in FIELD_NAMES})


def line_of(cells: list[Any], quoting: Any = csv.QUOTE_MINIMAL) -> str:
    sink = io.StringIO()
    csv.writer(sink, quoting=quoting, lineterminator="").writerow(cells)
    return sink.getvalue()


def refused_header(line: str) -> dict[str, Any]:
    with pytest.raises(InvalidRecordsError) as caught:
        Header(line)
    (fault,) = caught.value.members["errors"]
    assert fault["line"] == 1
    assert fault["record"] is None or line.count('"') == 1
    return dict(fault)


@given(
    record=RECORDS,
    names=st.permutations(FIELD_NAMES),
    unknown=st.sampled_from(["", "?"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_a_record_that_is_written_as_a_line_is_read_again(
    record: dict[str, Any], names: list[str], unknown: str, quoting: Any
) -> None:
    line = line_of([record.get(name, unknown) for name in names], quoting)

    assert Header(",".join(names)).record_of(line) == record


@given(name=st.sampled_from(FIELD_NAMES), text=st.text(max_size=12) | st.from_regex(r"[0-9V.E]{1,6}", fullmatch=True))
def test_a_text_is_taken_exactly_where_predict_would_take_the_value_it_stands_for(name: str, text: str) -> None:
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


def test_the_header_of_the_delivered_file_is_one() -> None:
    header = Header(",".join(COLUMN_NAMES))
    cells = {**dict.fromkeys(COLUMN_NAMES, "?"), **EXAMPLE_RECORD, "patient_nbr": 1, "readmitted": "<30"}

    assert header.record_of(line_of([cells[name] for name in COLUMN_NAMES])) == {"patient_nbr": 1, **EXAMPLE_RECORD}


@pytest.mark.parametrize("name", ["max_glu_serum", "A1Cresult"])
def test_not_measured_is_a_value_of_the_laboratory_columns_and_of_no_other(name: str) -> None:
    assert Header(name).record_of("None") == {name: "None"}
    with pytest.raises(LineError):
        Header("weight").record_of("None")


@pytest.mark.parametrize("outcome", ["<30", ">30", "NO", "?", ""])
def test_the_outcome_may_stand_there_and_is_no_part_of_the_record(outcome: str) -> None:
    assert Header("age,readmitted").record_of(f"[60-70),{outcome}") == {"age": "[60-70)"}


def test_an_outcome_that_is_none_is_refused() -> None:
    with pytest.raises(LineError) as caught:
        Header("age,readmitted").record_of("[60-70),=1+1")

    (fault,) = caught.value.faults(3, 5)
    assert fault.message == "readmitted must be one of 'NO', '>30', '<30', or empty; '=1+1' is not"


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("3.0", 3), ("3.00", 3), ("03", 3)])
def test_a_whole_number_may_be_written_with_a_point(text: str, value: int) -> None:
    assert Header("time_in_hospital").record_of(text) == {"time_in_hospital": value}


@pytest.mark.parametrize("text", ["3.5", "-3", "+3", "1e1", " 3", "3.", "٣", "0x3", "15", "nan", "9" * 20])
def test_what_is_no_whole_number_of_the_range_is_refused(text: str) -> None:
    with pytest.raises(LineError):
        Header("time_in_hospital").record_of(text)


def test_a_fault_names_record_line_field_value_and_what_is_allowed() -> None:
    with pytest.raises(LineError) as caught:
        Header("age,gender").record_of("[60-70),female")

    (fault,) = caught.value.faults(6, 8)
    assert fault.as_json() == {
        "line": 8,
        "record": 6,
        "field": "gender",
        "value": "female",
        "message": "gender must be one of 'Female', 'Male', 'Unknown/Invalid', or empty; 'female' is not",
        "allowed": ["Female", "Male", "Unknown/Invalid"],
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
def test_a_line_that_does_not_fit_the_header_is_refused_as_a_whole(line: str, message: str) -> None:
    with pytest.raises(LineError) as caught:
        Header("race,gender").record_of(line)

    (fault,) = caught.value.faults(0, 2)
    assert (fault.field, fault.message) == (None, message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("age,time_in_hospitl", "unknown field 'time_in_hospitl'; did you mean 'time_in_hospital'?"),
        ("age,readmission_risk", "column 'readmission_risk' is one of an answer; send the file without it"),
        ("earlier_stays", "unknown field 'earlier_stays'; the fields are listed under /docs"),
        (",age", "column 1 has no name; with pandas, write the file with index=False"),
        ("age,age", "column 'age' stands there twice"),
        ("age;gender", "the columns must be parted by commas"),
        ("age\tgender", "the columns must be parted by commas"),
        ("", "the first line must name the columns"),
        ("a," * 8_000, "the header names 8001 columns; the schema knows 50"),
        ('"age', "the line has a quotation mark that is not closed, or not doubled within a value"),
    ],
)
def test_a_wrong_header_is_refused_with_a_hint(line: str, message: str) -> None:
    assert refused_header(line)["message"].startswith(message)


def test_all_features_may_be_named() -> None:
    assert Header(",".join(column.name for column in FEATURES)).names == tuple(column.name for column in FEATURES)
