"""A file with outcomes of encounters, CSV or a workbook: read by name of the column."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from ml.schema import POSITIVE
from ml.schema.files.errors import FileError
from ml.schema.files.header import cells_of, key_of, separator_of
from ml.schema.files.text import DELIMITERS, RecordSplitter
from ml.schema.files.values import stripped
from ml.schema.identifiers import canonical_identifier
from ui.batch import workbook

REQUIRED: Final = ("encounter_id", "readmitted")
COLUMNS: Final = (*REQUIRED, "known_on")
_BY_KEY: Final = {key_of(name): name for name in COLUMNS}
MAX_ROWS: Final = 200_000
READMITTED: Final = {
    "<30": "<30",
    ">30": ">30",
    "no": "NO",
    "yes": "<30",
    "true": "<30",
    "false": "NO",
    "1": "<30",
    "0": "NO",
}
"""What a cell may say of a readmission within 30 days, in lower case, and the value of the data set."""


class OutcomeFile:
    """The outcomes of a file.

    Attributes:
        outcomes: as ``POST /feedback`` takes them.
    """

    def __init__(self, content: bytes, day: date) -> None:
        """Read the file; ``day`` is when outcomes became known that do not say it themselves.

        Raises:
            FileError: it is not a table with the columns, or a line is not valid.
        """
        self.outcomes: Final = [_outcome(line, row, day) for line, row in _rows(content)]
        if not self.outcomes:
            raise FileError("the file has a header, but no rows")
        if len(self.outcomes) > MAX_ROWS:
            raise FileError(f"the file has more than {MAX_ROWS:,} rows: split it, and upload one part after another")

    @property
    def readmitted(self) -> list[bool]:
        """Whether each outcome is a readmission within 30 days."""
        return [outcome["readmitted"] == POSITIVE for outcome in self.outcomes]


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by name of the column, each with the number of its line."""
    splitter = RecordSplitter()
    lines = workbook.lines_of(content) if workbook.is_workbook(content) else _lines(splitter, content)
    given, names = None, list[str]()
    for line, text in lines:
        if not names and given is None and (given := separator_of(text)):
            continue
        if not names:
            splitter.delimiter = given or max(DELIMITERS, key=text.count)
            names = _names(cells_of(text, splitter.delimiter), line)
        elif text.strip(splitter.delimiter + " "):
            cells = cells_of(text, splitter.delimiter)
            if len(cells) < len(names) or any(cells[len(names) :]):
                raise FileError(f"the line has {len(cells)} values, the header names {len(names)}", line)
            yield line, dict(zip(names, map(stripped, cells), strict=False))
    if not names:
        raise FileError("the file is empty; its first line must name the columns")


def _lines(splitter: RecordSplitter, content: bytes) -> Iterator[tuple[int, str]]:
    yield from splitter.feed(content)
    yield from splitter.finish()


def _names(cells: list[str], line: int) -> list[str]:
    """Names of the columns in the spelling of the data set: ``Encounter ID`` is ``encounter_id``."""
    names = [_BY_KEY.get(key_of(cell), "") for cell in cells]
    if lost := next((name for name in REQUIRED if name not in names), None):
        raise FileError(f"the file has no column {lost}: its first line must name {' and '.join(REQUIRED)}", line)
    if twice := next((name for name in COLUMNS if names.count(name) > 1), None):
        raise FileError(f"the header names column '{twice}' twice", line)
    return names


def _outcome(line: int, row: dict[str, str], day: date) -> dict[str, str | int]:
    encounter, given, known_on = (row.get(name, "") for name in COLUMNS)
    readmitted = READMITTED.get(given.lower())
    if not encounter:
        raise FileError("encounter_id is empty", line)
    if readmitted is None:
        text = f"readmitted is '{given[:40]}', expected <30, >30 or NO (yes and no are read too)"
        raise FileError(text, line)
    try:
        identifier = canonical_identifier(encounter)
    except ValueError as error:
        raise FileError(f"encounter_id is '{encounter[:40]}', {error}", line) from None
    try:
        known = datetime.fromisoformat(known_on).date() if known_on else day
    except ValueError:
        raise FileError(f"known_on is '{known_on[:40]}', expected a day such as 2026-11-20", line) from None
    return {"encounter_id": identifier, "readmitted": readmitted, "known_on": known.isoformat()}
