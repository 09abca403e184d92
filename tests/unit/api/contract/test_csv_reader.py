"""CSV files are validated as a whole, in whatever pieces they arrive."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contract.csv_reader import BLOCK_ROWS, MAX_LINE_BYTES, CsvFile, CsvParser
from api.contract.field_errors import MAX_ERRORS
from api.errors import ApiError, InvalidRecordsError, MalformedBodyError

LIMIT = 5_000
LINES = st.lists(
    st.sampled_from(["[60-70),3", '"[60-70)",3', "?,", ",", "[60-70)", "x,y", "", "[60-70),3\r", '"a'])
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
    (error,) = errors_of(b"age,gender\n[60-70),Male\n\n[60-70),male\n")

    assert (error["line"], error["record"], error["field"], error["value"]) == (4, 1, "gender", "male")


def test_all_errors_are_counted_and_the_first_listed() -> None:
    with pytest.raises(InvalidRecordsError, match=r"^Line 2: .* \(6000 errors in total\)\.$") as caught:
        parse(b"age,gender\n" + b"x,y\n" * 3_000)

    assert len(caught.value.members["errors"]) == MAX_ERRORS
    assert caught.value.members["error_count"] == 6_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty; its first line must name the columns"),
        (b"age\n", "the file has a header, but no rows"),
        (b"age,gender\n\n\n", "the file has a header, but no rows"),
        (b"colour\nred\n", "unknown field 'colour'"),
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


def test_another_encoding_is_rejected_with_its_line() -> None:
    with pytest.raises(MalformedBodyError, match=r"line 3 has an invalid byte\.$"):
        parse(b"race\nAsian\nOth\xe4r\n")
    with pytest.raises(MalformedBodyError, match=r"line 1 has an invalid byte\.$"):
        parse("race\nAsian\n".encode("utf-16"))
