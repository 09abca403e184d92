"""CSV in the words of the data set: the cells of a line become a record, or faults that name what is wrong.

A header names any of the fields, in any order; an unknown value is empty or ``?``, as in the delivered file; the
laboratory columns may say ``None``, not measured. The outcome, ``readmitted``, may stand there too: it is checked
and handed back, but no model sees it. So a file that passes holds nothing but values of the schema.
"""

import csv
import re
from typing import Final

from api.contract.parsing import refusal
from api.contract.requests import FIELD_NAMES
from api.contract.validation_errors import Fault, cell_fault, shorten, unknown_field
from ml.schema import BY_NAME, TARGET, UNKNOWN, Column, Record

COLUMN_NAMES: Final = (*FIELD_NAMES, TARGET)
"""What a header may name."""

ADDED: Final = ("readmission_risk", "known_fields", "reliability")
ADDED_INTERVAL: Final = ("risk_low", "risk_high")
ADDED_HISTORY: Final = "history"
"""Columns of an answer: always, with the interval, and for a file with patients, what became of their history."""

_WHOLE: Final = re.compile(r"([0-9]{1,19})(?:\.0+)?")
"""Whole numbers; with a point as well, since that is how pandas writes those of a column with gaps."""

_LISTED: Final = 1_000
"""Columns with so many values at most are read by looking the text up."""

_Value = str | int | None


class LineError(Exception):
    """A line that is no record: as a whole, or because of some of its cells."""

    def __init__(self, message: str = "", cells: tuple[tuple[Column, str], ...] = ()) -> None:
        super().__init__(message)
        self._message = message
        self._cells = cells

    def faults(self, record: int, line: int) -> list[Fault]:
        """What is wrong, for the record of this index in the line of this number."""
        if self._message:
            return [Fault(record, None, None, self._message, line=line)]
        return [cell_fault(record, line, column, text) for column, text in self._cells]


class Header:
    """The first line of a file: which field each cell of the others belongs to."""

    def __init__(self, line: str) -> None:
        """Read a header.

        Raises:
            InvalidRecordsError: it is not a header, or names a field twice, or one that does not exist.
        """
        try:
            names = _cells_of(line)
        except LineError as error:
            raise refusal(error.faults(0, 1), 1) from None
        if len(names) > 2 * len(COLUMN_NAMES):
            surplus = f"the header names {len(names)} columns; the schema knows {len(COLUMN_NAMES)}"
            raise refusal([Fault(None, None, None, surplus, line=1)], 1)
        faults = [
            Fault(None, shorten(name), None, message, line=1)
            for place, name in enumerate(names)
            if (message := _objection(name, place, names))
        ]
        if faults:
            raise refusal(faults, len(faults))
        self.names: Final = tuple(names)
        self._columns: Final = [(name, _VALUES[name], BY_NAME[name]) for name in names]

    def skips(self, line: str) -> bool:
        """Whether a line says nothing; where there is one column only, an empty one says that it is unknown."""
        return not line and len(self.names) > 1

    def record_of(self, line: str) -> Record:
        """The record that a line holds; what is unknown is absent.

        Raises:
            LineError: it holds none.
        """
        cells = _cells_of(line)
        if len(cells) != len(self._columns):
            raise LineError(f"the line has {len(cells)} values, the header names {len(self._columns)}")
        record: dict[str, _Value] = {}
        wrong: list[tuple[Column, str]] = []
        for (name, values, column), text in zip(self._columns, cells, strict=True):
            try:
                value = values[text]
            except KeyError:
                try:
                    value = _parse(column, text)
                except ValueError:
                    wrong.append((column, text))
                    continue
            if value is not None:
                record[name] = value
        if wrong:
            raise LineError(cells=tuple(wrong))
        record.pop(TARGET, None)
        return record


def _cells_of(line: str) -> list[str]:
    """The cells of a line. No value of the schema holds a line end, so a line is a record."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:
        raise LineError("the line has a quotation mark that is not closed, or not doubled within a value") from None


def _listed(column: Column) -> dict[str, _Value]:
    """Texts of a column that are only looked up, with their values."""
    listed = column.allowed
    if column.low is not None and column.high is not None and column.high - column.low < _LISTED:
        listed = tuple(range(column.low, column.high + 1))
    return {"": None, UNKNOWN: None, **{str(value): value for value in listed}}


_VALUES: Final = {name: _listed(BY_NAME[name]) for name in COLUMN_NAMES}


def _parse(column: Column, text: str) -> str | int:
    """The value of any other text.

    Raises:
        ValueError: the column does not allow it.
    """
    value: str | int = text
    if column.is_number and (whole := _WHOLE.fullmatch(text)):
        value = int(whole[1])
    if not column.accepts(value):
        raise ValueError
    return value


def _objection(name: str, place: int, names: list[str]) -> str | None:
    """What speaks against a name in the header."""
    if name in names[:place]:
        return f"column '{shorten(name)}' stands there twice"
    if name in COLUMN_NAMES:
        return None
    if name in (*ADDED, *ADDED_INTERVAL, ADDED_HISTORY):
        return f"column '{name}' is one of an answer; send the file without it"
    if names == [""]:
        return "the first line must name the columns"
    if not name:
        return f"column {place + 1} has no name; with pandas, write the file with index=False"
    if len(names) == 1 and re.search(r"[;\t|]", name):
        return "the columns must be parted by commas"
    return unknown_field(name)
