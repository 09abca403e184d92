"""Parsing of bodies into records, and the errors of invalid ones."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from api.contract.field_errors import MAX_ERRORS
from api.contract.parsing import parse_flag, parse_large, parse_small
from api.contract.requests import FIELD_NAMES, IDENTIFIERS
from api.errors import ApiError, InvalidQueryError, InvalidRecordsError, MalformedBodyError
from ml.schema import EXAMPLE_RECORD, FEATURES, Column

LIMIT = 1_000


def errors_of(document: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidRecordsError) as caught:
        parse_small(json.dumps(document).encode(), LIMIT)
    errors: list[dict[str, Any]] = caught.value.members["errors"]
    return errors


@pytest.mark.parametrize("read", [parse_small, parse_large])
def test_valid_records_are_returned_unchanged(read: Any) -> None:
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
def test_small_and_large_bodies_have_the_same_errors(document: Any) -> None:
    results = []
    for read in (parse_small, parse_large):
        with pytest.raises(ApiError) as caught:
            read(json.dumps(document).encode(), LIMIT)
        results.append((str(caught.value), caught.value.members))
    assert results[0] == results[1]


def test_an_error_has_record_field_value_and_allowed_values() -> None:
    (error,) = errors_of({"records": [{}, {"gender": "female"}]})

    assert error == {
        "record": 1,
        "field": "gender",
        "value": "female",
        "message": "gender must be one of 'Female', 'Male', 'Unknown/Invalid', or null; 'female' is not",
        "allowed": ("Female", "Male", "Unknown/Invalid"),
    }


def test_an_unknown_field_gets_the_most_similar_name_as_a_hint() -> None:
    (error,) = errors_of({"records": [{"time_in_hospitl": 3}]})

    assert error["message"] == "unknown field 'time_in_hospitl'; did you mean 'time_in_hospital'?"


@pytest.mark.parametrize("name", ["earlier_stays", "previous_discharge"])
def test_history_inputs_are_unknown_fields(name: str) -> None:
    (error,) = errors_of({"records": [{name: 1}]})

    assert error["message"].startswith(f"unknown field '{name}'")


@pytest.mark.parametrize("read", [parse_small, parse_large])
def test_a_record_may_have_identifiers(read: Any) -> None:
    records = [{"patient_nbr": 1, "encounter_id": 2**63 - 1, "race": "Asian"}, {"patient_nbr": None}]

    assert read(json.dumps({"records": records}).encode(), LIMIT) == records


@pytest.mark.parametrize("read", [parse_small, parse_large])
def test_an_identifier_has_its_canonical_form(read: Any) -> None:
    records = [{"patient_nbr": "8222157", "encounter_id": "0082"}, {"patient_nbr": 8222157.0, "encounter_id": "A b"}]

    assert read(json.dumps({"records": records}).encode(), LIMIT) == [
        {"patient_nbr": 8222157, "encounter_id": "0082"},
        {"patient_nbr": 8222157, "encounter_id": "A b"},
    ]


@pytest.mark.parametrize("name", ["patient_nbr", "encounter_id"])
@pytest.mark.parametrize("value", [0, -1, 2**63, 1.5, True, 9.3e18, "", "a\tb", "1.89503E+08", "x" * 129])
def test_an_identifier_is_a_positive_64_bit_integer_or_a_text(name: str, value: Any) -> None:
    (error,) = errors_of({"records": [{name: value}]})

    assert error["field"] == name
    assert error["message"].startswith(
        f"{name} must be a whole number from 1 to 9223372036854775807, or a text of 1 to 128 characters, or null"
    )


@pytest.mark.parametrize(
    ("query", "flag"),
    [
        (b"", False),
        (b"other=1", False),
        *((b"interval=" + text, True) for text in (b"true", b"True", b"1", b"yes", b"on")),
        *((b"interval=" + text, False) for text in (b"false", b"False", b"0", b"no", b"off")),
    ],
)
def test_flags_in_the_query(query: bytes, flag: bool) -> None:
    assert parse_flag(query, "interval") is flag


@pytest.mark.parametrize(
    "query", [b"interval=", b"interval", b"interval=2", b"interval=true&interval=true", b"interval=%FF"]
)
def test_invalid_flags_are_rejected_by_name(query: bytes) -> None:
    with pytest.raises(InvalidQueryError, match=r"^interval must be true or false, once\.$") as caught:
        parse_flag(query, "interval")

    assert caught.value.members["errors"][0]["field"] == "interval"


def test_all_errors_are_counted_and_the_first_listed() -> None:
    with pytest.raises(InvalidRecordsError) as caught:
        parse_large(json.dumps({"records": [{"race": "x", "age": "y"}] * 600}).encode(), LIMIT)

    assert len(caught.value.members["errors"]) == MAX_ERRORS
    assert caught.value.members["error_count"] == 1200
    assert "1200 errors in total" in caught.value.detail


def test_the_record_index_counts_over_all_chunks() -> None:
    (error,) = errors_of({"records": [{}] * 700 + [{"race": "x"}]})

    assert error["record"] == 700


def test_a_record_with_too_many_fields_is_rejected_as_a_whole() -> None:
    (error,) = errors_of({"records": [{f"field {index}": 1 for index in range(5_000)}]})

    assert error["message"] == "the record has 5000 fields; the schema has 49"


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
def test_an_invalid_value_is_shortened(value: Any, shown: Any) -> None:
    (error,) = errors_of({"records": [{"time_in_hospital": value}]})

    assert error["value"] == shown


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
        b"race,gender\nCaucasian,Male\n",
    ],
    ids=lambda body: repr(body[:30]),
)
@pytest.mark.parametrize("read", [parse_small, parse_large])
def test_invalid_json_is_malformed(read: Any, body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="not valid JSON"):
        read(body, LIMIT)


@pytest.mark.parametrize("read", [parse_small, parse_large])
@pytest.mark.parametrize("column", [*FEATURES, *IDENTIFIERS], ids=lambda column: column.name)
def test_a_question_mark_is_unknown_in_every_field(read: Any, column: Column) -> None:
    assert read(json.dumps({"records": [{column.name: "?"}, {"gender": "Male"}]}).encode(), LIMIT) == [
        {},
        {"gender": "Male"},
    ]


@pytest.mark.parametrize("read", [parse_small, parse_large])
@pytest.mark.parametrize("outcome", ["<30", ">30", "NO", "?", None])
def test_the_outcome_is_checked_and_dropped(read: Any, outcome: str | None) -> None:
    assert read(json.dumps({"records": [{"gender": "Male", "readmitted": outcome}]}).encode(), LIMIT) == [
        {"gender": "Male"}
    ]
    (error,) = errors_of({"records": [{"readmitted": "maybe"}]})
    assert error["message"] == "readmitted must be one of 'NO', '>30', '<30', or null; 'maybe' is not"


@pytest.mark.parametrize("code", [428, 250.6])
def test_a_diagnosis_as_a_number_is_to_be_written_as_text(code: float) -> None:
    (error,) = errors_of({"records": [{"diag_1": code}]})

    assert error["message"] == f'diag_1 must be text: write the code {code} in quotation marks, as "{code}"'


@pytest.mark.parametrize("read", [parse_small, parse_large])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_to_be_written_as_null(read: Any, number: str) -> None:
    with pytest.raises(MalformedBodyError, match=r"NaN or Infinity; write null for an unknown value\.$"):
        read(f'{{"records": [{{"number_inpatient": {number}}}]}}'.encode(), LIMIT)


@pytest.mark.parametrize("read", [parse_small, parse_large])
def test_a_byte_order_mark_is_skipped(read: Any) -> None:
    assert read(json.dumps({"records": [EXAMPLE_RECORD]}).encode("utf-8-sig"), LIMIT) == [EXAMPLE_RECORD]


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"age": "[60-70)"}, 'the body is a single record: send it as {"records": [{...}]}'),
        ([{"age": "[60-70)"}], 'the body is a list: send it as {"records": [...]}'),
    ],
)
def test_a_bare_record_and_a_bare_list_are_told_their_place(document: Any, hint: str) -> None:
    (error,) = errors_of(document)

    assert error["message"] == hint


@pytest.mark.parametrize("read", [parse_small, parse_large])
@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"records": [{"age": "[60-70)", "age": "[60-70)"}]}', "age"),
        (b'{"records": [{}, {"age" : null,\n"gender":"Male", "\\u0061ge" :"?"}]}', "age"),
        (b'{"records": [{}], "records": [{}]}', "records"),
        (b'{"records": [{"age": ":"}], "records": [{}]}', "records"),
    ],
)
def test_a_repeated_key_is_refused_by_name(read: Any, body: bytes, key: str) -> None:
    with pytest.raises(InvalidRecordsError, match=rf"^Key '{key}' is repeated in an object\.$"):
        read(body, LIMIT)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(FIELD_NAMES), st.none()), max_size=6), min_size=1, max_size=4),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")]),
)
def test_keys_are_refused_exactly_if_they_are_repeated(
    records: list[list[tuple[str, None]]], separators: tuple[str, str]
) -> None:
    comma, colon = separators
    objects = ["{" + comma.join(f'"{name}"{colon}null' for name, _ in record) + "}" for record in records]
    body = f'{{"records"{colon}[{comma.join(objects)}]}}'.encode()

    if any(len(dict(record)) < len(record) for record in records):
        with pytest.raises(InvalidRecordsError, match="is repeated"):
            parse_small(body, LIMIT)
    else:
        assert parse_small(body, LIMIT) == parse_large(body, LIMIT) == [dict(record) for record in records]


def test_no_value_of_a_feature_has_a_colon() -> None:
    """The fast check for repeated keys counts colons; more of them lead to the exact one."""
    assert not [value for column in FEATURES for value in column.allowed if ":" in str(value)]


@pytest.mark.parametrize("read", [parse_small, parse_large])
def test_colons_in_an_identifier_are_not_repeated_keys(read: Any) -> None:
    records = [{"patient_nbr": "urn:uuid:1", "gender": "Male"}, {"encounter_id": "a:b"}]

    assert read(json.dumps({"records": records}).encode(), LIMIT) == records
