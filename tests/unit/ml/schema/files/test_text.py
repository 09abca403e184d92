"""The bytes of a file become the same records, whatever its encoding, line ends and pieces."""

import csv
import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.schema.files.errors import FileError
from ml.schema.files.header import cells_of
from ml.schema.files.text import MAX_LINE_BYTES, RecordSplitter

TEXT = 'age;name\n67;Müller\n8;"a\nb;""c"""\n'
CELLS = st.text(st.sampled_from('ab ";,\n\t') | st.characters(exclude_categories=("Cs", "Cc")), max_size=6)


def records(*pieces: bytes, delimiter: str = ";") -> list[tuple[int, str]]:
    splitter = RecordSplitter()
    splitter.delimiter = delimiter
    found = [record for piece in pieces for record in splitter.feed(piece)]
    return [*found, *splitter.finish()]


def result(*pieces: bytes) -> Any:
    try:
        return records(*pieces)
    except FileError as error:
        return error.message, error.line


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_encoding_and_line_ends_make_no_difference(encoding: str, end: str, last: bool) -> None:
    text = TEXT if last else TEXT[:-1]

    found = records(text.replace("\n", end).encode(encoding))

    assert found == [(1, "age;name"), (2, "67;Müller"), (3, '8;"a\nb;""c"""')]


@given(
    body=st.binary(max_size=80) | st.text(st.sampled_from('a;"\n\r ü\ufeff'), max_size=40).map(str.encode),
    cuts=st.lists(st.integers(0, 80), max_size=6),
)
def test_the_result_does_not_depend_on_the_pieces(body: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(cut for cut in cuts if cut < len(body)), len(body)})

    assert result(*(body[start:stop] for start, stop in pairwise(places))) == result(body)


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=5),
    delimiter=st.sampled_from(";,\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]], delimiter: str, quoting: Any) -> None:
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)

    found = [cells_of(text, delimiter) for _, text in records(sink.getvalue().encode(), delimiter=delimiter)]

    # Spaces before a value are no part of it; the csv module quotes only what needs it.
    assert [[cell.lstrip(" ") for cell in row] for row in found] == [[cell.lstrip(" ") for cell in row] for row in rows]


def test_a_line_in_another_encoding_does_not_change_the_other_lines() -> None:
    assert records("ü\n".encode() + b"\xfc\n" + b"\x81\n") == [(1, "ü"), (2, "ü"), (3, "\x81")]


def test_a_quotation_mark_within_a_value_is_a_character() -> None:
    assert records(b'a;5" tube\nb;c\n') == [(1, 'a;5" tube'), (2, "b;c")]


@pytest.mark.parametrize("body", [b'a;b\n"c;d\n', b'a;b\n"c;d\n' + b"e\n" * MAX_LINE_BYTES])
def test_a_quotation_mark_that_is_not_closed_is_located(body: bytes) -> None:
    assert result(body) == ("the line has a quotation mark that is not closed", 2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"PK\x03\x04rest", "the file is an Excel workbook or a zip archive, not CSV: save it as CSV"),
        (b"\xd0\xcf\x11\xe0", "the file is an old Excel workbook, not CSV: save it as CSV"),
        (b"\x1f\x8b\x08\x00", "the file is compressed, not CSV: unpack it"),
        (b"age\n\0\n", "the file is not text: it holds a null byte"),
        (b"age\n" + b"x" * (MAX_LINE_BYTES + 1), f"the line has more than {MAX_LINE_BYTES} bytes"),
        (b"\xff\xfea\0b", "the file is not text: it begins like UTF-16, and is not"),
    ],
)
def test_what_is_not_text_is_said(body: bytes, message: str) -> None:
    assert result(body)[0] == message
