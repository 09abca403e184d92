"""CSV files are validated as a whole, in whatever pieces they arrive."""

import csv
import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contract.csv_reader import BLOCK_ROWS, CsvFile, CsvParser
from api.contract.field_errors import MAX_ERRORS
from api.contract.requests import FIELD_NAMES
from api.errors import ApiError, InvalidRecordsError
from api.scoring.csv_files import notes, response_header
from ml.schema import BY_NAME
from ml.schema.files.text import MAX_LINE_BYTES
from tests.unit.ml.schema.files.test_values import values_of

LIMIT = 5_000
RECORDS = st.fixed_dictionaries({}, optional={name: values_of(BY_NAME[name]) for name in FIELD_NAMES})
LINES = st.lists(
    st.sampled_from(
        ["[60-70),3", '"[60-70)",3', "?,", ",", "[60-70)", "x,y", "", "[60-70),3\r", "67,3.0,,", '"a', '"\n']
    )
    | st.text(max_size=6),
    max_size=8,
)


def parse(*pieces: bytes, limit: int = LIMIT) -> CsvFile:
    parser = CsvParser(limit)
    for piece in pieces:
        parser.feed(piece)
    return parser.finish()


def lines_of(file: CsvFile) -> list[str]:
    return [line for block in file.blocks for line in file.lines_of(block)]


def result(*pieces: bytes) -> Any:
    """The lines of a file, or its error."""
    try:
        return lines_of(parse(*pieces))
    except ApiError as error:
        return type(error), str(error), error.members


def errors_of(*pieces: bytes, limit: int = LIMIT) -> list[dict[str, Any]]:
    with pytest.raises(InvalidRecordsError) as caught:
        parse(*pieces, limit=limit)
    errors: list[dict[str, Any]] = caught.value.members["errors"]
    return errors


@given(lines=LINES, end=st.sampled_from(["", "\n", "\r\n"]), cuts=st.lists(st.integers(0, 120), max_size=6))
def test_the_result_does_not_depend_on_the_pieces(lines: list[str], end: str, cuts: list[int]) -> None:
    body = ("age,time_in_hospital\n" + "\n".join(lines) + end).encode("utf-8", "surrogatepass")
    places = sorted({0, *cuts, len(body)})
    pieces = [body[start:stop] for start, stop in pairwise(places)]

    assert result(*pieces) == result(body)


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_file_or_an_api_error(body: bytes) -> None:
    result(body)
    result(b"race,gender\n" + body)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_mark_make_no_difference(end: bytes, last: bool, mark: bytes) -> None:
    body = mark + b"age,gender" + end + b"[60-70),Male" + end + b"?,Female" + (end if last else b"")

    assert lines_of(parse(body)) == ["[60-70),Male", "?,Female"]


def test_an_empty_line_is_skipped_except_in_a_file_of_one_column() -> None:
    assert lines_of(parse(b"age,gender\n\n[60-70),Male\n\n")) == ["[60-70),Male"]
    assert lines_of(parse(b"age\n\n[60-70)\n")) == ["", "[60-70)"]


def test_a_long_file_is_stored_in_blocks_in_its_order() -> None:
    rows = [str(index % 14 + 1) for index in range(2 * BLOCK_ROWS + 1)]

    file = parse("\n".join(["time_in_hospital", *rows]).encode())

    assert (len(file.blocks), file.rows) == (3, len(rows))
    assert lines_of(file) == rows
    assert [record["time_in_hospital"] for record in file.records()] == [int(row) for row in rows]


def test_errors_have_line_and_record_and_empty_lines_count_as_lines() -> None:
    (error,) = errors_of(b"age,gender\n[60-70),Male\n\n[60-70),x\n")

    assert (error["line"], error["record"], error["field"], error["value"]) == (4, 1, "gender", "x")


def test_all_errors_are_counted_and_the_same_ones_grouped() -> None:
    with pytest.raises(InvalidRecordsError, match=r"^Line 2: .* \(6001 errors in total\)\.$") as caught:
        parse(b"age,race\n" + b"x,Caucasean\n" * 3_000 + b"x,Asian,y\n")

    age, race, line = caught.value.members["errors"]
    assert caught.value.members["error_count"] == 6_001
    assert (age["line"], age["lines"], age["count"]) == (2, [2, 3, 4, 5, 6], 3_000)
    assert (race["value"], race["suggestion"], race["count"]) == ("Caucasean", "Caucasian", 3_000)
    assert race["message"].endswith("'Caucasean' is not: did you mean 'Caucasian'? (3000 times)")
    assert (line["message"], line["lines"]) == ("the line has 3 values, the header names 2", [3_002])


def test_only_the_first_groups_are_listed() -> None:
    errors = errors_of(b"age\n" + b"".join(b"x%d\n" % number for number in range(3_000)))

    assert [error["value"] for error in errors] == [f"x{number}" for number in range(MAX_ERRORS)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty; its first line must name the columns"),
        (b"age\n", "the file has a header, but no rows"),
        (b"age,gender\n\n\n", "the file has a header, but no rows"),
        (b"colour\nred\n", "no column of the header is of the data set; unknown field 'colour'"),
        (b"age,time_in_hospitl\n?,3\n", "unknown field 'time_in_hospitl'; did you mean 'time_in_hospital'?"),
        (b"age\n\0\n", "the file is not text: it holds a null byte"),
        (b"race\n" + b"x" * (MAX_LINE_BYTES + 1), f"the line has more than {MAX_LINE_BYTES} bytes"),
        (b"race\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n", f"the line has more than {MAX_LINE_BYTES} bytes"),
        (b"x" * (MAX_LINE_BYTES + 1), f"the line has more than {MAX_LINE_BYTES} bytes"),
        (b'race,gender\n"Asian,\nMale', "the line has a quotation mark that is not closed"),
    ],
)
def test_invalid_files(body: bytes, message: str) -> None:
    assert errors_of(body)[0]["message"].startswith(message)


def test_too_many_rows_are_rejected_at_once() -> None:
    parser = CsvParser(2)

    with pytest.raises(InvalidRecordsError, match=r"^Line 4: the file has more than 2 rows: send it in parts\.$"):
        parser.feed(b"age\n?\n?\n?\n?\n")
    assert parse(b"age\n?\n?\n", limit=2).rows == 2


def test_foreign_cells_and_names_are_returned_without_formulas() -> None:
    file = parse(b'=1+1;age;note\n-3;67;"@a;\n""b"""\n+1+1;?;x;;\n')

    assert file.records() == [{"age": "[60-70)"}, {}]
    assert [file.reader.returned(line) for line in lines_of(file)] == ['-3;67;"\'@a;\n""b"""', "'+1+1;?;x"]
    assert response_header(file, False).startswith(b"'=1+1;age;note;readmission_risk")


def test_lines_of_a_file_of_the_data_set_are_returned_as_they_are() -> None:
    file = parse(b'age,gender\n"[60-70)", F\n')

    assert [file.reader.returned(line) for line in lines_of(file)] == ['"[60-70)", F']


def test_what_stands_before_the_header_is_returned() -> None:
    assert parse("\ufeffsep=;\r\nage;x\r\n1;2".encode()).prefix == "\ufeffsep=;\r\n"
    assert response_header(parse("\nage\n1".encode("utf-16")), False).startswith("\ufeffage,".encode())


def test_notes_are_one_line_of_ascii() -> None:
    found = notes(parse('gender,"Sta\ntion Müller",max_glu_serum,A1Cresult\nF,x,,\n'.encode()))

    assert found["X-Mapped"] == "gender: F = Female"
    assert found["X-Not-Scored"] == "Sta tion M?ller"
    assert found["X-Warning"].startswith("max_glu_serum and A1Cresult hold unknown values")
    assert notes(parse(b"gender\nFemale\n")) == {}
    assert len(notes(parse(b"age," + b"c," * 900 + b"\n67" + b"," * 901))["X-Not-Scored"]) <= 1_000


@given(record=RECORDS, names=st.permutations(FIELD_NAMES), unknown=st.sampled_from(["", "?", "NA"]))
def test_a_written_record_is_parsed_unchanged(record: dict[str, Any], names: list[str], unknown: str) -> None:
    sink = io.StringIO()
    csv.writer(sink).writerows([names, [record.get(name, unknown) for name in names]])

    assert parse(sink.getvalue().encode()).records() == [record]


@pytest.mark.parametrize("outcome", ["<30", ">30", "NO", "?", ""])
def test_the_outcome_is_accepted_and_not_part_of_the_record(outcome: str) -> None:
    assert parse(f"age,readmitted\n[60-70),{outcome}\n".encode()).records() == [{"age": "[60-70)"}]


def test_an_invalid_outcome_is_rejected() -> None:
    (error,) = errors_of(b"age,readmitted\n[60-70),=1+1\n")

    assert error["message"] == "readmitted must be one of 'NO', '>30', '<30', or empty; '=1+1' is not"
