"""A file is checked as a whole, however it arrives."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.contract.csv_reader import BLOCK_ROWS, LINE_BYTES, CsvFile, CsvIntake
from api.contract.parsing import MAX_FAULTS
from api.errors import ApiError, InvalidRecordsError, MalformedBodyError

LIMIT = 5_000
LINES = st.lists(
    st.sampled_from(["[60-70),3", '"[60-70)",3', "?,", ",", "[60-70)", "x,y", "", "[60-70),3\r", '"a'])
    | st.text(max_size=6),
    max_size=8,
)


def take(*pieces: bytes, limit: int = LIMIT) -> CsvFile:
    intake = CsvIntake(limit)
    for piece in pieces:
        intake.take(piece)
    return intake.finish()


def lines_of(file: CsvFile) -> list[str]:
    return [line for block in file.blocks for line in file.lines_of(block)]


def outcome(*pieces: bytes) -> Any:
    """What becomes of a file: its lines, or what is said of it."""
    try:
        return lines_of(take(*pieces))
    except ApiError as error:
        return type(error), str(error), error.members


def faults(*pieces: bytes, limit: int = LIMIT) -> list[dict[str, Any]]:
    with pytest.raises(InvalidRecordsError) as caught:
        take(*pieces, limit=limit)
    errors: list[dict[str, Any]] = caught.value.members["errors"]
    return errors


@given(lines=LINES, end=st.sampled_from(["", "\n", "\r\n"]), cuts=st.lists(st.integers(0, 120), max_size=6))
def test_it_does_not_matter_in_which_pieces_a_file_arrives(lines: list[str], end: str, cuts: list[int]) -> None:
    body = ("age,time_in_hospital\n" + "\n".join(lines) + end).encode("utf-8", "surrogatepass")
    places = sorted({0, *cuts, len(body)})
    pieces = [body[start:stop] for start, stop in pairwise(places)]

    assert outcome(*pieces) == outcome(body)


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_is_sent_is_a_file_or_is_refused(body: bytes) -> None:
    outcome(body)
    outcome(b"race,gender\n" + body)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_the_mark_of_excel_make_no_difference(end: bytes, last: bool, mark: bytes) -> None:
    body = mark + b"age,gender" + end + b"[60-70),Male" + end + b"?,Female" + (end if last else b"")

    assert lines_of(take(body)) == ["[60-70),Male", "?,Female"]


def test_an_empty_line_is_left_out_unless_it_is_the_one_value_of_its_record() -> None:
    assert lines_of(take(b"age,gender\n\n[60-70),Male\n\n")) == ["[60-70),Male"]
    assert lines_of(take(b"age\n\n[60-70)\n")) == ["", "[60-70)"]


def test_a_long_file_is_kept_in_blocks_in_its_order() -> None:
    rows = [str(index % 14 + 1) for index in range(2 * BLOCK_ROWS + 1)]

    file = take("\n".join(["time_in_hospital", *rows]).encode())

    assert (len(file.blocks), file.rows) == (3, len(rows))
    assert lines_of(file) == rows
    assert [record["time_in_hospital"] for record in file.records()] == [int(row) for row in rows]


def test_faults_are_told_by_line_and_record_and_empty_lines_count_as_lines() -> None:
    (fault,) = faults(b"age,gender\n[60-70),Male\n\n[60-70),male\n")

    assert (fault["line"], fault["record"], fault["field"], fault["value"]) == (4, 1, "gender", "male")


def test_faults_are_counted_but_only_the_first_are_listed() -> None:
    with pytest.raises(InvalidRecordsError, match=r"^Line 2: .* \(6000 faults in all\)\.$") as caught:
        take(b"age,gender\n" + b"x,y\n" * 3_000)

    assert len(caught.value.members["errors"]) == MAX_FAULTS
    assert caught.value.members["error_count"] == 6_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the file is empty; its first line must name the columns"),
        (b"age\n", "the file has a header, but no rows"),
        (b"age,gender\n\n\n", "the file has a header, but no rows"),
        (b"colour\nred\n", "unknown field 'colour'"),
        (b"race\n" + b"x" * (LINE_BYTES + 1), f"the line has more than {LINE_BYTES} bytes"),
        (b"race\n" + b"x" * (LINE_BYTES + 1) + b"\n", f"the line has more than {LINE_BYTES} bytes"),
        (b"x" * (LINE_BYTES + 1), f"the line has more than {LINE_BYTES} bytes"),
        (b'race,gender\n"Asian,\nMale', "the line has a quotation mark that is not closed"),
    ],
)
def test_what_is_no_file_with_rows_is_refused(body: bytes, message: str) -> None:
    assert faults(body)[0]["message"].startswith(message)


def test_a_file_with_too_many_rows_is_refused_at_once() -> None:
    intake = CsvIntake(2)

    with pytest.raises(InvalidRecordsError, match=r"^Line 4: the file has more than 2 rows: send it in parts\.$"):
        intake.take(b"age\n?\n?\n?\n?\n")
    assert take(b"age\n?\n?\n", limit=2).rows == 2


def test_another_encoding_is_named_with_its_line() -> None:
    with pytest.raises(MalformedBodyError, match=r"line 3 has a byte that is none\.$"):
        take(b"race\nAsian\nOth\xe4r\n")
    with pytest.raises(MalformedBodyError, match=r"line 1 has a byte that is none\.$"):
        take("race\nAsian\n".encode("utf-16"))
