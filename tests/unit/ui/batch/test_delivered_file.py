"""Uploaded files: CSV in any dialect, and workbooks."""

from datetime import date

import pytest

from ml.schema.files.errors import FileError, HeaderError
from tests.support.workbook import workbook
from ui.batch import delivered_file
from ui.batch import workbook as workbook_reader
from ui.batch.delivered_file import DeliveredFile


def error_of(content: bytes) -> str:
    with pytest.raises(FileError) as caught:
        DeliveredFile(content)
    return caught.value.message


def test_rows_have_the_numbers_of_their_lines() -> None:
    file = DeliveredFile(b"age,race\r\n[60-70),Asian\r\n\r\n?,Other\r\n")

    assert file.reader.header.known == ["age", "race"]
    assert list(file.rows) == [2, 4]
    assert file.record(4) == {"race": "Other"}


def test_a_part_has_columns_and_spellings_of_the_data_set_only() -> None:
    file = DeliveredFile("MRN;Gender;Alter;Age;readmitted\r\n=1;F;x;67;NO\r\n-2;male;ü;;\r\n".encode("cp1252"))

    assert file.part([2, 3]) == b"gender,age,readmitted\r\nFemale,[60-70),NO\r\nMale,,\r\n"
    assert [file.returned(number) for number in file.rows] == ["'=1;F;x;67;NO", "-2;male;ü;;"]


def test_a_workbook_is_read_like_a_file() -> None:
    rows = [
        [None],
        ["MRN", "Age", "Weight", "diag_1", "Time in hospital", "diabetesMed"],
        [1.0, 67, 180.5, 250.83, 3, "Yes"],
        [None],
        ["=1", date(2026, 10, 20), None, "V27", 4, None],
    ]
    file = DeliveredFile(workbook(rows))

    assert list(file.rows) == [3, 5]
    assert file.record(3) == {
        "age": "[60-70)", "weight": "[175-200)", "diag_1": "250.83", "time_in_hospital": 3, "diabetesMed": "Yes"
    }  # fmt: skip
    assert file.record(5) == {"age": "[10-20)", "diag_1": "V27", "time_in_hospital": 4}
    assert file.returned(5) == "'=1,2026-10-20,,V27,4,"
    assert file.prefix == "\ufeff"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; its first line must name the columns"),
        (b"age,race\r\n\r\n", "the file has a header, but no rows"),
        (b"PK\x03\x04nothing", "the file cannot be read as an Excel workbook: File is not a zip file"),
        (workbook([["age"]]), "the file has a header, but no rows"),
        (b"x" * 200_000 + b"\n1\n", "the line has more than 65536 bytes"),
    ],
)
def test_a_file_without_rows_is_unreadable(content: bytes, message: str) -> None:
    assert error_of(content) == message


def test_a_header_without_a_known_column_is_unreadable() -> None:
    with pytest.raises(HeaderError, match="no column of the header is of the data set"):
        DeliveredFile(workbook([["colour"], ["red"]]))


def test_the_number_of_rows_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivered_file, "MAX_ROWS", 2)

    assert len(DeliveredFile(b"age,race\n1,\n2,\n").rows) == 2
    assert error_of(b"age,race\n1,\n2,\n3,\n").startswith("the file has more than 2 rows")


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_reader, "MAX_UNPACKED", 1_000)

    assert error_of(workbook([["age"], [67]])) == "the workbook unpacks to more than 1000 bytes: save it as CSV"
