"""From bytes to records, or to what is wrong with them."""

import json
from typing import Any

import pytest

from api.contract.parsing import MAX_FAULTS, read_flag, read_large, read_small
from api.errors import ApiError, InvalidQueryError, InvalidRecordsError, MalformedBodyError
from ml.schema import EXAMPLE_RECORD

LIMIT = 1_000


def faults(document: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidRecordsError) as caught:
        read_small(json.dumps(document).encode(), LIMIT)
    errors: list[dict[str, Any]] = caught.value.members["errors"]
    return errors


@pytest.mark.parametrize("read", [read_small, read_large])
def test_records_come_back_as_given(read: Any) -> None:
    records = [EXAMPLE_RECORD, {}, {"race": None, "glyburide-metformin": "Up"}]

    assert read(json.dumps({"records": records}).encode(), LIMIT) == records


@pytest.mark.parametrize(
    "document",
    [
        {"records": [{"age": "abc", "race": 1}]},
        {"records": [{"admission_type_id": True}, {"admission_type_id": 1.5}]},
        {"records": [{"unknown": 1}]},
        {"records": [{}] * (LIMIT + 1)},
        {"records": []},
        {"records": {}},
        {"records": [[]]},
        {"records": [{}], "more": 1},
        [],
        None,
    ],
    ids=lambda document: json.dumps(document)[:40],
)
def test_small_and_large_bodies_are_refused_in_the_same_words(document: Any) -> None:
    said = []
    for read in (read_small, read_large):
        with pytest.raises(ApiError) as caught:
            read(json.dumps(document).encode(), LIMIT)
        said.append((str(caught.value), caught.value.members))
    assert said[0] == said[1]


def test_a_fault_names_record_field_value_and_what_is_allowed() -> None:
    (fault,) = faults({"records": [{}, {"gender": "female"}]})

    assert fault == {
        "record": 1,
        "field": "gender",
        "value": "female",
        "message": "gender must be one of 'Female', 'Male', 'Unknown/Invalid', or null; 'female' is not",
        "allowed": ["Female", "Male", "Unknown/Invalid"],
    }


def test_a_misspelt_field_is_answered_with_the_one_that_was_meant() -> None:
    (fault,) = faults({"records": [{"time_in_hospitl": 3}]})

    assert fault["message"] == "unknown field 'time_in_hospitl'; did you mean 'time_in_hospital'?"


@pytest.mark.parametrize("name", ["readmitted", "earlier_stays", "previous_discharge"])
def test_outcome_and_what_is_looked_up_are_no_fields(name: str) -> None:
    (fault,) = faults({"records": [{name: 1}]})

    assert fault["message"].startswith(f"unknown field '{name}'")


@pytest.mark.parametrize("read", [read_small, read_large])
def test_a_record_may_say_whose_it_is(read: Any) -> None:
    records = [{"patient_nbr": 1, "encounter_id": 2**63 - 1, "race": "Asian"}, {"patient_nbr": None}]

    assert read(json.dumps({"records": records}).encode(), LIMIT) == records


@pytest.mark.parametrize("name", ["patient_nbr", "encounter_id"])
@pytest.mark.parametrize("value", [0, -1, 2**63, 1.5, "8222157", True, 9.3e18])
def test_an_identifier_is_a_whole_number_that_postgresql_can_hold(name: str, value: Any) -> None:
    (fault,) = faults({"records": [{name: value}]})

    assert fault["field"] == name
    assert fault["message"].startswith(f"{name} must be a whole number from 1 to 9223372036854775807, or null")


@pytest.mark.parametrize(
    ("query", "flag"), [(b"", False), (b"interval=true", True), (b"interval=false", False), (b"other=1", False)]
)
def test_a_flag_of_the_address_is_true_or_false(query: bytes, flag: bool) -> None:
    assert read_flag(query, "interval") is flag


@pytest.mark.parametrize(
    "query", [b"interval=", b"interval", b"interval=1", b"interval=true&interval=true", b"interval=%FF"]
)
def test_any_other_flag_is_refused_and_named(query: bytes) -> None:
    with pytest.raises(InvalidQueryError, match=r"^interval must be true or false, once\.$") as caught:
        read_flag(query, "interval")

    assert caught.value.members["errors"][0]["field"] == "interval"


def test_faults_are_counted_but_only_the_first_are_listed() -> None:
    with pytest.raises(InvalidRecordsError) as caught:
        read_large(json.dumps({"records": [{"race": "x", "age": "y"}] * 600}).encode(), LIMIT)

    assert len(caught.value.members["errors"]) == MAX_FAULTS
    assert caught.value.members["error_count"] == 1200
    assert "1200 faults in all" in caught.value.detail


def test_the_index_of_a_fault_counts_over_the_whole_body() -> None:
    (fault,) = faults({"records": [{}] * 700 + [{"race": "x"}]})

    assert fault["record"] == 700


def test_a_record_of_very_many_fields_is_refused_as_a_whole() -> None:
    (fault,) = faults({"records": [{f"field {index}": 1 for index in range(5_000)}]})

    assert fault["message"] == "the record has 5000 fields; the schema knows 49"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 500, "x" * 79 + "…"),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "an object of 1"),
        (10**30, "1" + "0" * 30),
        (1.5, 1.5),
        (True, True),
    ],
    ids=["long text", "list", "object", "huge number", "fraction", "boolean"],
)
def test_a_refused_value_is_repeated_in_short(value: Any, shown: Any) -> None:
    (fault,) = faults({"records": [{"time_in_hospital": value}]})

    assert fault["value"] == shown


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"records": [{"number_inpatient": NaN}]}',
        b'{"records": [{"number_inpatient": -Infinity}]}',
        b'{"records": [{"race": "\\ud800"}]}',
        b'{"records": [{"number_inpatient": ' + b"9" * 5_000 + b"}]}",
        b'{"records": ' + b"[" * 100_000,
        b'{"records": ' + b"[" * 300 + b"]" * 300 + b"}",
        b"\xff\xfe{\x00}\x00",
        '{"records": [{"race": "Ä"}]}'.encode("latin-1"),
        b"\xef\xbb\xbf{}",
        b"race,gender\nCaucasian,Male\n",
    ],
    ids=lambda body: repr(body[:30]),
)
@pytest.mark.parametrize("read", [read_small, read_large])
def test_what_is_not_json_is_malformed(read: Any, body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="not valid JSON"):
        read(body, LIMIT)
