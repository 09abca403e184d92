"""Batches by column: the same records and the same errors as record by record."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contract.parsing import parse_batch, parse_large, validate_batch, validate_records
from api.contract.record_columns import RecordColumns, columns_if_canonical
from api.contract.requests import FIELD_NAMES
from api.errors import ApiError
from ml.schema import BY_NAME, EXAMPLE_RECORD, FEATURES, Kind
from ml.schema.code_systems import CodeSystem
from tests.support.codes import ICD9_CODES, ICD9_SPELLINGS

LIMIT = 5
CANONICAL = {
    column.name: ICD9_CODES
    if column.kind is Kind.ICD9
    else st.sampled_from(column.allowed)
    if column.allowed
    else st.integers(column.low, column.high)
    for column in (BY_NAME[name] for name in FIELD_NAMES)
}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 3.0, 2.5, -1, 2**70, "", "?", "1", "038.9", "E119", "a:b", [], {}, "male", "\u00e9"]
)
FIELDS = {name: st.one_of(CANONICAL[name], st.none()) for name in FIELD_NAMES}
NEARLY = {name: st.one_of(CANONICAL[name], ODD) for name in FIELD_NAMES}
SPELLED = dict.fromkeys(("diag_1", "diag_2", "diag_3"), ICD9_SPELLINGS)


def records_of(fields: dict[str, Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({}, optional=fields), min_size=1, max_size=LIMIT)


def result_of(parse: Any, *arguments: Any) -> Any:
    """The records, or the error as clients see it."""
    try:
        found = parse(*arguments)
    except ApiError as error:
        return type(error), error.detail, error.members
    return found.records if isinstance(found, RecordColumns) else found


@given(records_of(FIELDS))
def test_valid_records_in_the_spelling_of_the_data_set_need_no_other_check(records: list[dict[str, Any]]) -> None:
    columns = columns_if_canonical(records)

    assert columns is not None
    assert columns.records is records
    assert columns.values == {name: [record.get(name) for record in records] for name in FIELD_NAMES}


@given(st.one_of(records_of(FIELDS), records_of(NEARLY), records_of(SPELLED)))
def test_any_body_gives_the_records_or_the_error_of_single_records(records: list[dict[str, Any]]) -> None:
    body = json.dumps({"records": records}).encode()

    assert result_of(parse_batch, body, LIMIT) == result_of(parse_large, body, LIMIT)
    assert result_of(validate_batch, records) == result_of(validate_records, records)


@pytest.mark.parametrize("column", FEATURES, ids=lambda column: column.name)
@pytest.mark.parametrize("value", [True, 1.0, "1", 10**6, "none of the values", [], {"a": 1}], ids=repr)
def test_a_value_that_is_not_canonical_is_left_to_the_single_check(column: Any, value: Any) -> None:
    usual = EXAMPLE_RECORD[column.name]
    is_canonical = column.kind is Kind.ICD9 and value == "1"

    assert (columns_if_canonical([{column.name: usual}, {column.name: value}]) is not None) == is_canonical


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"records": []}',
        b'{"records": {}}',
        b'{"records": [{}], "other": 1}',
        b'{"records": [{}], "records": [{}]}',
        b'{"records": [{"race": "Asian", "race": "Asian"}]}',
        b'{"records": [{"unknown": 1}]}',
        b'{"records": [1]}',
        b'{"records": [{"time_in_hospital": NaN}]}',
        b'{"records": [{}, {}, {}, {}, {}, {}]}',
        b'\xef\xbb\xbf{"records": [{}]}',
        b'{"records": [{"readmitted": "NO", "race": "?"}]}',
        b'{"records": [{"diag_1": "E11.9"}], "code_system": "icd-10-cm"}',
        b'{"records": [{"diag_1": "428"}], "code_system": "icd-9-cm"}',
        b'{"records": [{"diag_1": "428"}], "code_system": "snomed"}',
        b'{"records": [{"patient_nbr": "urn:uuid:1"}, {"patient_nbr": 1}, {"patient_nbr": 1.0}]}',
    ],
)
def test_unusual_bodies_are_read_as_before(body: bytes) -> None:
    assert result_of(parse_batch, body, LIMIT) == result_of(parse_large, body, LIMIT)


def test_converted_records_keep_their_conversions() -> None:
    columns = validate_batch([{"diag_1": "E11.9"}], CodeSystem.ICD10)

    assert columns.values["diag_1"] == ["250"]
