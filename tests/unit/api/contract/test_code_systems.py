"""Requests with diagnoses in ICD-10-CM: converted records, and the errors of the other code system."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contract.conversions import conversion_warnings, converted_codes
from api.contract.csv_reader import CsvParser
from api.contract.parsing import parse_code_system, parse_large, parse_small
from api.errors import InvalidRecordsError
from ml.schema import Record
from ml.schema.code_systems import DIAGNOSES, CodeSystem
from ml.schema.icd10 import to_icd9

READERS = [parse_small, parse_large]
CODES = ("E11.9", "I50.32", "J44.9", "U07.1", "Z79.4", "M1A.9XX0", "S72.001A")


def body(record: Record, **members: Any) -> bytes:
    return json.dumps({"records": [record], "code_system": "icd-10-cm", **members}).encode()


def from_csv(text: str) -> list[Record]:
    parser = CsvParser(10, CodeSystem.ICD10)
    parser.feed(text.encode())
    return parser.finish().records()


def errors_of(document: bytes) -> list[dict[str, Any]]:
    with pytest.raises(InvalidRecordsError) as caught:
        parse_small(document, 10)
    errors: list[dict[str, Any]] = caught.value.members["errors"]
    return errors


@pytest.mark.parametrize("read", READERS)
def test_diagnoses_in_icd_10_cm_become_those_of_icd_9_cm(read: Any) -> None:
    given_record = {"age": "[60-70)", "diag_1": "I5032", "diag_2": " e11.40", "diag_3": None}

    (record,) = read(body(given_record), 10)

    assert record == {"age": "[60-70)", "diag_1": "428.32", "diag_2": "250.6"}
    assert converted_codes([record]) == [
        {
            "diag_1": {"given": "I50.32", "used": "428.32", "choices": ("428.32",)},
            "diag_2": {"given": "E11.40", "used": "250.6", "choices": ("250.6",)},
        }
    ]
    assert list(conversion_warnings(record)) == []


@given(st.sampled_from(CODES), st.booleans(), st.booleans(), st.sampled_from(["", " ", "\t "]))
def test_every_spelling_gives_the_same_record_in_json_and_csv(code: str, dot: bool, upper: bool, space: str) -> None:
    spelled = code if dot else code.replace(".", "")
    spelled = space + (spelled if upper else spelled.lower()) + space
    expected = [{} if to_icd9(code).used is None else {"diag_2": to_icd9(code).used}]

    for records in (*(read(body({"diag_2": spelled}), 10) for read in READERS), from_csv(f"diag_2\n{spelled}\n")):
        assert records == expected
        assert converted_codes(records) == [
            {"diag_2": {"given": code, "used": to_icd9(code).used, "choices": to_icd9(code).choices}}
        ]


def test_what_a_conversion_loses_is_a_warning_of_its_field() -> None:
    (record,) = parse_small(body({"diag_1": "J44.9", "diag_2": "U07.1", "diag_3": "I10"}), 10)

    assert record == {"diag_1": "496", "diag_3": "401"}
    assert dict(conversion_warnings(record)) == {
        "diag_1": to_icd9("J44.9").warning,
        "diag_2": to_icd9("U07.1").warning,
    }


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", [None, "icd-9-cm", "ICD-9-CM"])
def test_icd_9_cm_is_the_default(read: Any, name: Any) -> None:
    records = read(body({"diag_1": "V27"}, code_system=name), 10)

    assert records == [{"diag_1": "V27"}]
    assert converted_codes(records) is None
    assert list(conversion_warnings(records[0])) == []


@pytest.mark.parametrize("read", READERS)
def test_a_code_of_both_systems_is_read_in_the_one_of_the_request(read: Any) -> None:
    # V45.2 of ICD-9-CM is a drainage device; V45.2 of ICD-10-CM, a collision with a railway train.
    assert read(body({"diag_1": "V45.2"}, code_system="icd-9-cm"), 10) == [{"diag_1": "V45.2"}]
    assert read(body({"diag_1": "V45.2"}), 10) == [{"diag_1": to_icd9("V45.2").used}]


@pytest.mark.parametrize("name", ["icd10", "", 10, ["icd-10-cm"], {}])
def test_an_unknown_code_system_is_refused_with_the_allowed_ones(name: Any) -> None:
    (error,) = errors_of(body({}, code_system=name))

    assert error["field"] == "code_system"
    assert error["message"] == "code_system must be icd-9-cm or icd-10-cm"
    assert error["allowed"] == ("icd-9-cm", "icd-10-cm")


@pytest.mark.parametrize("query", ["code_system=icd10", "code_system=", "code_system=icd-10-cm&code_system=icd-9-cm"])
def test_a_query_with_an_unknown_code_system_is_refused(query: str) -> None:
    with pytest.raises(InvalidRecordsError, match="must be icd-9-cm or icd-10-cm"):
        parse_code_system(query.encode())


@pytest.mark.parametrize(
    ("query", "system"),
    [("", None), ("interval=true", None), ("code_system=ICD-10-CM", CodeSystem.ICD10)],
)
def test_the_code_system_of_a_query(query: str, system: CodeSystem | None) -> None:
    assert parse_code_system(query.encode()) is system


@pytest.mark.parametrize(
    ("code", "system", "fault"),
    [
        ("E11.9", "icd-9-cm", "looks like ICD-10-CM: set code_system to icd-10-cm"),
        ("250.60", "icd-10-cm", "looks like ICD-9-CM: set code_system to icd-9-cm"),
        ("diabetes", "icd-10-cm", "is not"),
        ("diabetes", "icd-9-cm", "is not"),
    ],
)
def test_a_code_of_the_other_system_is_refused_with_the_remedy(code: str, system: str, fault: str) -> None:
    (error,) = errors_of(body({"diag_1": code}, code_system=system))

    assert error["message"].endswith(f"'{code}' {fault}")
    assert system.upper()[:-3] in error["message"]


def test_a_file_in_icd_10_cm_has_errors_by_line() -> None:
    with pytest.raises(
        InvalidRecordsError, match=r"Line 3: diag_1 must be an ICD-10-CM code .* '428' looks like ICD-9"
    ):
        from_csv("diag_1\nI50.9\n428\n")


def test_every_diagnosis_of_the_schema_has_a_code_system() -> None:
    assert DIAGNOSES == ("diag_1", "diag_2", "diag_3")
