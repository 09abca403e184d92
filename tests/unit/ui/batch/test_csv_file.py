import pytest

from ui.batch import csv_file
from ui.batch.csv_file import CsvFile, Reason, UnreadableError


def test_rows_have_the_numbers_of_their_lines() -> None:
    file = CsvFile(b"age,race\r\n[60-70),Asian\r\n\r\n?,Other\r\n")
    assert file.names == ["age", "race"]
    assert file.rows == [2, 4]
    assert file.line(4) == b"?,Other"


def test_a_last_line_without_line_break_is_a_row() -> None:
    assert list(CsvFile(b"age,race\n?,?\n?,Asian").rows) == [2, 3]


def test_an_empty_line_of_the_only_column_is_an_unknown_value() -> None:
    assert list(CsvFile(b"age\n\n[60-70)\n").rows) == [2, 3]


def test_a_part_has_the_header_and_the_selected_lines() -> None:
    file = CsvFile(b"\xef\xbb\xbfage,race\r\n1,a\r\n2,b\r\n3,c\r\n")
    assert file.part([2, 4]) == b"age,race\n1,a\n3,c\n"


def test_quoted_values_are_parsed() -> None:
    assert CsvFile(b'age,race\n"[60-70)","African, American"\n').cells(2) == ["[60-70)", "African, American"]


@pytest.mark.parametrize("content", [b"", b"\n", b"age,race", b"age,race\r\n\r\n\r\n"])
def test_a_file_without_rows_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableError) as raised:
        CsvFile(content)
    assert raised.value.reason is Reason.NO_ROWS


def test_an_invalid_byte_is_located_by_its_line() -> None:
    with pytest.raises(UnreadableError) as raised:
        CsvFile(b"age,race\n?,?\n?,caf\xe9\n")
    assert (raised.value.reason, raised.value.line) == (Reason.ENCODING, 3)


def test_the_number_of_rows_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_ROWS", 2)
    assert len(CsvFile(b"age,race\n1,1\n2,2\n").rows) == 2
    with pytest.raises(UnreadableError) as raised:
        CsvFile(b"age,race\n1,1\n2,2\n3,3\n")
    assert raised.value.reason is Reason.TOO_MANY_ROWS


def test_a_first_line_that_is_no_header_is_unreadable() -> None:
    with pytest.raises(UnreadableError) as raised:
        CsvFile(b"x" * 200_000 + b"\n1\n")
    assert raised.value.reason is Reason.HEADER
