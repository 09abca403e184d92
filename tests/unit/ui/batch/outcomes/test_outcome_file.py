"""A file with outcomes: any dialect or a workbook, read by the names of its columns, refused with line and value."""

from datetime import date

import pytest

from ml.schema.files.errors import FileError
from tests.support.workbook import workbook
from ui.batch.outcomes.outcome_file import OutcomeFile

DAY = date(2026, 11, 20)


def read(content: str | bytes) -> list[dict[str, str | int]]:
    return OutcomeFile(content.encode() if isinstance(content, str) else content, DAY).outcomes


def test_the_columns_of_the_data_set_are_read_and_others_left_out() -> None:
    text = "encounter_id,patient_nbr,age,readmitted\r\n7,1,[60-70),<30\r\n8,2,?,>30\r\n\r\n9,3,?,NO\r\n"
    known_on = DAY.isoformat()
    assert read(text) == [
        {"encounter_id": 7, "readmitted": "<30", "known_on": known_on},
        {"encounter_id": 8, "readmitted": ">30", "known_on": known_on},
        {"encounter_id": 9, "readmitted": "NO", "known_on": known_on},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_separator_encoding_and_line_end_are_read(delimiter: str, encoding: str, end: str) -> None:
    lines = [
        ["Encounter ID", "Médico", "Readmitted", "Known_On"],
        ["7", "Ana", "yes", "2026-10-01"],
        ["A-8", '"two\nlines"', "False", ""],
    ]
    text = end.join(delimiter.join(cells) for cells in lines)
    assert read(text.encode(encoding)) == [
        {"encounter_id": 7, "readmitted": "<30", "known_on": "2026-10-01"},
        {"encounter_id": "A-8", "readmitted": "NO", "known_on": DAY.isoformat()},
    ]


def test_a_line_that_names_the_separator_is_read() -> None:
    assert len(read("sep=;\r\nencounter_id;readmitted\r\n7;<30\r\n8;NO")) == 2


def test_a_workbook_is_read() -> None:
    rows = [
        ["encounter_id", "readmitted", "known_on"],
        [2278392.0, "<30", date(2026, 10, 1)],
        [8, "NO", None],
    ]
    assert read(workbook(rows)) == [
        {"encounter_id": 2278392, "readmitted": "<30", "known_on": "2026-10-01"},
        {"encounter_id": 8, "readmitted": "NO", "known_on": DAY.isoformat()},
    ]


def test_an_encounter_has_the_identifier_of_its_prediction_however_it_is_written() -> None:
    texts = ("2278392", "2278392.0", " 2278392 ", '"2278392"')
    assert {read(f"encounter_id,readmitted\n{text},NO\n")[0]["encounter_id"] for text in texts} == {2278392}


def test_surplus_values_are_left_out_if_they_are_empty() -> None:
    assert len(read("encounter_id,readmitted\n1,NO,,\n,,,\n")) == 1


def test_the_readmissions_are_counted() -> None:
    assert OutcomeFile(b"encounter_id,readmitted\n1,<30\n2,>30\n3,no\n", DAY).readmitted == [True, False, False]


FAULTS = [
    ("", None, "the file is empty"),
    ("encounter_id,outcome\n1,NO\n", 1, "no column readmitted"),
    ("encounter_id,readmitted,Readmitted\n1,NO,NO\n", 1, "column 'readmitted' twice"),
    ("encounter_id,readmitted\n", None, "no rows"),
    ("encounter_id,readmitted\n1,NO\n,NO\n", 3, "encounter_id is empty"),
    ("encounter_id,readmitted\n1.89503E+08,NO\n", 2, "encounter_id is '1.89503E[+]08', not a whole number"),
    ("encounter_id,readmitted\n1,maybe\n", 2, "readmitted is 'maybe'"),
    ("encounter_id,readmitted\n1,NO,2026-10-01\n", 2, "the line has 3 values, the header names 2"),
    ("encounter_id,readmitted,known_on\n1,NO,20.11.2026\n", 2, "known_on is '20.11.2026'"),
    ('encounter_id,readmitted\n1,"NO\n', 2, "a quotation mark that is not closed"),
    ("%PDF-1.7", None, "a PDF document"),
]


@pytest.mark.parametrize(("text", "line", "message"), FAULTS)
def test_what_cannot_be_read_is_named_with_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(FileError, match=message) as raised:
        read(text)
    assert raised.value.line == line
