"""Validation of delivered rows: valid rows, and the reason for each invalid one."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.core.errors import RejectedDataError
from ml.core.pseudonyms import Pseudonyms
from ml.data import validation
from ml.data.sources.file import read_chunks
from ml.data.sources.synthetic import generate, write_csv
from ml.data.validation import Validated, check
from ml.schema import BY_NAME, COLUMN_NAMES, Missing
from ml.schema.files.values import read_value
from tests.unit.ml.tables import delivered

NONE_SEEN = pd.Index([], dtype="int64")


def faults(*changes: dict[str, Any]) -> dict[int, str]:
    return check(delivered(*changes), NONE_SEEN)[1]


@dataclass(frozen=True)
class Result:
    """A validation with the rows that it passed on."""

    validated: Validated
    accepted: bytes
    rejected: list[tuple[int, str, dict[str, str]]]


def validate(chunks: Iterable[pd.DataFrame], max_rejected_share: float = 0, pseudonym_key: str = "") -> Result:
    valid, invalid = io.BytesIO(), io.BytesIO()
    validated = validation.validate(chunks, valid.write, invalid.write, max_rejected_share, pseudonym_key)
    rows = csv.reader(io.StringIO(invalid.getvalue().decode(), newline=""))
    return Result(validated, valid.getvalue(), [(int(row), reason, json.loads(record)) for row, reason, record in rows])


def test_a_valid_row_has_no_fault() -> None:
    assert faults({}) == {}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("gender", "X", "gender is 'X', expected one of 'Female', 'Male', 'Unknown/Invalid'"),
        ("gender", None, "gender is missing, expected one of 'Female', 'Male', 'Unknown/Invalid'"),
        ("age", "[60-80)", "age is '[60-80)', expected one of "),
        ("race", "Caucasean", "race is 'Caucasean', expected one of "),
        ("time_in_hospital", 0, "time_in_hospital is '0', expected a whole number from 1 to 14"),
        ("time_in_hospital", 15, "time_in_hospital is '15', expected a whole number from 1 to 14"),
        ("time_in_hospital", "3.5", "time_in_hospital is '3.5', expected a whole number from 1 to 14"),
        ("time_in_hospital", "1e1", "time_in_hospital is '1e1', expected a whole number from 1 to 14"),
        ("num_medications", "many", "num_medications is 'many', expected a whole number from 0 to 100"),
        ("num_medications", None, "num_medications is missing, expected a whole number from 0 to 100"),
        ("admission_type_id", 9, "admission_type_id is '9', expected one of 1, 2, 3, 4, 5, 6, 7, 8"),
        ("admission_source_id", 16, "admission_source_id is '16', expected one of "),
        ("diag_1", "428000", "diag_1 is '428000', expected an ICD-9-CM code such as 428, 250.83, V27 or E909"),
        ("diag_1", "E119", "diag_1 is 'E119', expected an ICD-9-CM code such as 428, 250.83, V27 or E909"),
        ("insulin", "Maybe", "insulin is 'Maybe', expected one of 'No', 'Steady', 'Up', 'Down'"),
        ("max_glu_serum", None, "max_glu_serum is missing, expected one of 'None', 'Norm', '>200', '>300'"),
        ("readmitted", "YES", "readmitted is 'YES', expected one of 'NO', '>30', '<30'"),
        ("patient_nbr", -4, "patient_nbr is malformed, expected a whole number from 1 to "),
        ("encounter_id", None, "encounter_id is missing, expected a whole number from 1 to "),
        ("patient_nbr", "9" * 30, "patient_nbr is malformed, expected a whole number"),
    ],
)
def test_an_invalid_value_is_named_with_the_allowed_ones(column: str, value: object, reason: str) -> None:
    found = faults({}, {column: value}, {})

    assert list(found) == [2]
    assert found[2].startswith(reason)


@pytest.mark.parametrize("column", [c.name for c in BY_NAME.values() if c.missing is Missing.UNKNOWN])
def test_an_unknown_value_is_valid_where_the_schema_allows_it(column: str) -> None:
    assert faults({column: None}) == {}


def test_a_long_value_is_cut_in_the_reason() -> None:
    assert len(faults({"gender": "x" * 5_000})[1]) < 150


def test_codes_are_stored_in_the_canonical_spelling() -> None:
    delivery = delivered(*({"diag_1": code} for code in ("038.9", "25060", "v4511", None)))
    table, invalid = check(delivery, NONE_SEEN)

    assert not invalid
    assert table["diag_1"].fillna("").tolist() == ["38.9", "250.6", "V45.11", ""]


def test_the_second_row_of_an_encounter_is_a_fault() -> None:
    found = faults({"encounter_id": 7}, {"encounter_id": 8}, {"encounter_id": 7})

    assert found == {3: "encounter_id occurs more than once"}


def test_an_encounter_of_an_earlier_chunk_is_a_fault() -> None:
    _, found = check(delivered({"encounter_id": 7}), pd.Index([7], dtype="int64"))

    assert found == {1: "encounter_id occurs more than once"}


def test_a_valid_row_after_an_invalid_one_of_the_same_encounter_is_valid() -> None:
    assert list(faults({"encounter_id": 7, "gender": "?"}, {"encounter_id": 7})) == [1]


def test_rejected_rows_are_stored_as_delivered_with_their_number_but_without_identifiers() -> None:
    chunk = delivered(*[{}] * 9, {"gender": 'She said "no", \n really', "race": None})
    result = validate([chunk], max_rejected_share=0.1)
    ((row, reason, record),) = result.rejected

    assert (result.validated.rows_accepted, result.validated.rows_rejected) == (9, 1)
    assert row == 10
    assert reason.startswith("gender is ")
    assert record["gender"] == 'She said "no", \n really'
    assert "race" not in record
    assert "encounter_id" not in record
    assert "patient_nbr" not in record


def test_rejected_rows_have_the_pseudonyms_of_the_prediction_log() -> None:
    result = validate([delivered({}, {"gender": "x", "patient_nbr": 77})], 0.5, "a key")
    record, pseudonyms = result.rejected[0][2], Pseudonyms(b"a key", "hash")

    assert record["patient_nbr"] == pseudonyms.patient("77")
    assert record["encounter_id"] == pseudonyms.encounter("1001")


def test_nul_characters_of_a_rejected_text_are_replaced() -> None:
    result = validate([delivered({}, {"gender": "Fe\x00male"})], max_rejected_share=0.5)

    assert result.rejected[0][2]["gender"] == "Fe\N{REPLACEMENT CHARACTER}male"


def test_accepted_rows_are_written_as_delivered() -> None:
    chunk = next(generate(2_000, seed=3)).replace("?", None)
    chunk.index += 1
    result = validate([chunk], max_rejected_share=0)
    read = pd.read_csv(io.BytesIO(result.accepted), header=None, dtype="str", keep_default_na=False, na_values=[""])

    assert result.validated.rows_accepted == 2_000
    assert (read.to_numpy() == chunk.to_numpy()).sum() == chunk.notna().to_numpy().sum()
    assert (read.isna().to_numpy() == chunk.isna().to_numpy()).all()


def test_too_many_invalid_rows_are_refused_with_the_most_frequent_reason() -> None:
    chunk = delivered(*[{}] * 8, {"gender": "x"}, {"gender": "x"})

    with pytest.raises(RejectedDataError) as caught:
        validate([chunk], max_rejected_share=0.1)

    assert str(caught.value).startswith(
        "2 of 10 rows (20.0%) break the schema, more than MAX_REJECTED_SHARE=0.1 allows; nothing was changed. "
        "Most often (2 times): gender is 'x'"
    )


def test_a_file_in_which_every_row_has_a_fault_of_its_own_is_refused_without_comparing_all_pairs() -> None:
    chunk = delivered({}).iloc[[0] * 20_000].reset_index(drop=True)
    chunk.index += 1
    chunk["gender"] = [f"x{row}" for row in chunk.index]

    with pytest.raises(RejectedDataError, match=r"^None of the 20000 delivered rows is valid"):
        validate([chunk], max_rejected_share=0.1)
    chunk.loc[1, "gender"] = "Male"
    with pytest.raises(RejectedDataError, match=r"Most often \(1 times\)"):
        validate([chunk], max_rejected_share=0.1)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, 10**18 + 1])
def test_a_large_number_keeps_all_digits(number: int) -> None:
    table, found = check(delivered({"patient_nbr": number}, {"patient_nbr": number - 1}, {"gender": None}), NONE_SEEN)

    assert list(found) == [3]
    assert list(table["patient_nbr"][:2]) == [number, number - 1]


@pytest.mark.parametrize("text", ["2278392.0", "2278392.00", "2278392"])
def test_a_number_with_a_decimal_point_is_the_whole_number(text: str) -> None:
    table, found = check(delivered({"encounter_id": text, "time_in_hospital": "3.0"}), NONE_SEEN)

    assert found == {}
    assert table.loc[1, ["encounter_id", "time_in_hospital"]].tolist() == [2_278_392, 3]


@pytest.mark.parametrize("text", ["9223372036854775808", "2278392.5", "2.278392e6", "-1.0", "٣"])
def test_other_numbers_are_faults(text: str) -> None:
    assert list(faults({"encounter_id": text})) == [1]


ROWS = [{"encounter_id": 1}, {"encounter_id": 2, "race": "Asian"}, {"encounter_id": 3, "gender": "x"}]


@given(rows=st.permutations(ROWS))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_content_hash_does_not_depend_on_the_order_of_the_rows(rows: list[dict[str, Any]]) -> None:
    def content(*changes: dict[str, Any]) -> str:
        return validate([delivered(*({"patient_nbr": 7, **row} for row in changes))], 0.5).validated.content_sha256

    assert content(*rows) == content(*ROWS)
    assert content(*rows[1:]) != content(*ROWS)


def test_exactly_the_maximum_share_is_accepted() -> None:
    result = validate([delivered(*[{}] * 9, {"gender": "x"})], max_rejected_share=0.1)

    assert result.validated.rows_rejected == 1


def test_a_file_that_pandas_emptied_is_refused_with_the_remedy() -> None:
    chunk = delivered({}, *[{"max_glu_serum": None, "A1Cresult": None}] * 3)

    with pytest.raises(RejectedDataError, match=r"pandas reads None as missing\. Read the file with keep_default_na"):
        validate([chunk], max_rejected_share=0)


def test_other_spellings_are_stored_in_that_of_the_data_set(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    spelt = {"gender": "f", "age": " 67", "race": "CAUCASIAN", "weight": "N/A", "time_in_hospital": "3,0"}
    result = validate([delivered(spelt)], max_rejected_share=0)

    (row,) = csv.reader(result.accepted.decode().splitlines())
    values = dict(zip(COLUMN_NAMES, row, strict=True))
    assert [values[name] for name in spelt] == ["Female", "[60-70)", "Caucasian", "", "3"]
    assert "Read as: gender: f = Female; age (years): 67 = [60-70)" in caplog.text


def test_a_file_without_rows_is_refused() -> None:
    with pytest.raises(RejectedDataError, match=r"^The file has no rows\.$"):
        validate([], max_rejected_share=1)


def test_a_file_without_a_valid_row_is_refused() -> None:
    with pytest.raises(RejectedDataError, match=r"^None of the 2 delivered rows is valid\.$"):
        validate([delivered({"gender": "x"}, {"age": "y"})], max_rejected_share=1)


@pytest.fixture(scope="module")
def invalid_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 rows with faults of several kinds, repeated encounters among them."""
    path = tmp_path_factory.mktemp("broken") / "data.csv"
    write_csv(path, 500, seed=11)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)[:300]
    table.loc[::37, "gender"] = "x"
    table.loc[::41, "time_in_hospital"] = "99"
    table.loc[100:110, "encounter_id"] = list(table.loc[:10, "encounter_id"])
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def whole_result(invalid_file: Path) -> Result:
    return validate(read_chunks(invalid_file), max_rejected_share=0.5)


@pytest.mark.parametrize("chunk_rows", [43, 101, 299])
def test_the_result_does_not_depend_on_the_chunk_size(
    invalid_file: Path, whole_result: Result, chunk_rows: int
) -> None:
    result = validate(read_chunks(invalid_file, chunk_rows), max_rejected_share=0.5)

    assert result.validated.content_sha256 == whole_result.validated.content_sha256
    assert result.accepted == whole_result.accepted
    assert result.rejected == whole_result.rejected
    assert result.validated.rows_accepted + result.validated.rows_rejected == 300


CELLS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
    st.sampled_from(["?", "None", "NULL", "\\.", '"', "''", "=1+1", " 3", "３", "0x1", "1_000", "1,5", "428 "]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.tuples(st.sampled_from(COLUMN_NAMES), CELLS), min_size=1, max_size=12))
def test_any_cell_is_either_accepted_by_the_schema_or_rejected_by_name(
    cells: list[tuple[str, str | None]], tmp_path: Path
) -> None:
    chunk = delivered({}, *({name: value} for name, value in cells))
    result = validate([chunk], max_rejected_share=1)
    reasons = {row: reason for row, reason, _ in result.rejected}

    assert result.validated.rows_accepted + result.validated.rows_rejected == len(chunk)
    for row, (name, value) in enumerate(cells, start=2):
        if row in reasons:
            assert reasons[row].startswith(f"{name} ")
        elif value is not None and (read := read_value(BY_NAME[name], value)[0]) is not None:
            assert BY_NAME[name].accepts(read)
        else:
            assert BY_NAME[name].missing is Missing.UNKNOWN
