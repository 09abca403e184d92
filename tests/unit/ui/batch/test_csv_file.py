import pytest

from ui.batch import csv_file
from ui.batch.csv_file import CsvFile, EncodingError, NoRowsError, TooManyRowsError, UnreadableError


def test_rows_are_known_by_the_numbers_an_editor_shows() -> None:
    file = CsvFile(b"age,race\r\n[60-70),Asian\r\n\r\n?,Other\r\n")
    assert file.names == ["age", "race"]
    assert file.rows == [2, 4]
    assert file.line(4) == b"?,Other"


def test_a_last_line_without_an_end_counts() -> None:
    assert list(CsvFile(b"age,race\n?,?\n?,Asian").rows) == [2, 3]


def test_an_empty_line_of_the_only_column_is_an_unknown_value() -> None:
    assert list(CsvFile(b"age\n\n[60-70)\n").rows) == [2, 3]


def test_a_part_has_the_same_header_and_the_chosen_lines() -> None:
    file = CsvFile(b"\xef\xbb\xbfage,race\r\n1,a\r\n2,b\r\n3,c\r\n")
    assert file.part([2, 4]) == b"age,race\n1,a\n3,c\n"


def test_quoted_values_are_read_as_they_are_meant() -> None:
    assert CsvFile(b'age,race\n"[60-70)","African, American"\n').cells(2) == ["[60-70)", "African, American"]


@pytest.mark.parametrize("content", [b"", b"\n", b"age,race", b"age,race\r\n\r\n\r\n"])
def test_a_file_without_rows_is_refused(content: bytes) -> None:
    with pytest.raises(NoRowsError):
        CsvFile(content)


def test_a_byte_that_is_no_text_is_told_with_its_line() -> None:
    with pytest.raises(EncodingError) as told:
        CsvFile(b"age,race\n?,?\n?,caf\xe9\n")
    assert told.value.line == 3


def test_more_rows_than_are_taken_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_ROWS", 2)
    assert len(CsvFile(b"age,race\n1,1\n2,2\n").rows) == 2
    with pytest.raises(TooManyRowsError):
        CsvFile(b"age,race\n1,1\n2,2\n3,3\n")


def test_a_first_line_that_is_no_header_is_refused() -> None:
    with pytest.raises(UnreadableError):
        CsvFile(b"x" * 200_000 + b"\n1\n")
