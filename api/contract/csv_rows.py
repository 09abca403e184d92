"""The CSV format: parses a header and the cells of a line into a record.

A header names any of the fields, in any order; a cell is empty or ``?`` if the value is unknown, as in the data set.
The outcome ``readmitted`` is allowed too: it is validated and returned, but no model sees it. A valid file therefore
holds only values of the schema.
"""

import csv
import re
from typing import Final

from api.contract.field_errors import FieldError, cell_error, invalid_records, shorten, unknown_field
from api.contract.requests import FIELD_NAMES
from ml.schema import BY_NAME, TARGET, UNKNOWN, Column, Record

COLUMN_NAMES: Final = (*FIELD_NAMES, TARGET)
"""The columns that a header may name."""

PREDICTION_COLUMNS: Final = ("readmission_risk", "known_fields", "reliability")
INTERVAL_COLUMNS: Final = ("risk_low", "risk_high")
HISTORY_COLUMN: Final = "history"
NOTE_COLUMNS: Final = ("outside_population", "warnings")
"""Columns that the response adds: always; with ``interval=true``; for a file with patient numbers; always."""

_WHOLE: Final = re.compile(r"([0-9]{1,19})(?:\.0+)?")
"""Whole numbers, also with a decimal point: pandas writes those of a column with gaps so."""

_MAX_LOOKUP: Final = 1_000
"""Columns with up to so many values are parsed by looking the text up."""

_Value = str | int | None


class LineError(Exception):
    """A line that is not a valid record: as a whole, or because of some of its cells."""

    def __init__(self, message: str = "", cells: tuple[tuple[Column, str], ...] = ()) -> None:
        super().__init__(message)
        self._message = message
        self._cells = cells

    def field_errors(self, record: int, line: int) -> list[FieldError]:
        """The errors, given the index of the record and the number of the line."""
        if self._message:
            return [FieldError(record, None, None, self._message, line=line)]
        return [cell_error(record, line, column, text) for column, text in self._cells]


class Header:
    """The first line of a file: the fields of its columns.

    Raises:
        InvalidRecordsError: the line is not a header, or names a field twice or an unknown one.
    """

    def __init__(self, line: str) -> None:
        try:
            names = _cells_of(line)
        except LineError as error:
            raise invalid_records(error.field_errors(0, 1)) from None
        if len(names) > 2 * len(COLUMN_NAMES):
            surplus = f"the header names {len(names)} columns; the schema has {len(COLUMN_NAMES)}"
            raise invalid_records([FieldError(None, None, None, surplus, line=1)])
        errors = [
            FieldError(None, shorten(name), None, message, line=1)
            for place, name in enumerate(names)
            if (message := _header_error(name, place, names))
        ]
        if errors:
            raise invalid_records(errors, len(errors))
        self.names: Final = tuple(names)
        self._columns: Final = [(name, _VALUES[name], BY_NAME[name]) for name in names]

    def skips(self, line: str) -> bool:
        """Whether a line is empty and not a record; in a file of one column, an empty line is an unknown value."""
        return not line and len(self.names) > 1

    def record_of(self, line: str) -> Record:
        """Parse a line; unknown fields are absent from the record.

        Raises:
            LineError: the line is not a valid record.
        """
        cells = _cells_of(line)
        if len(cells) != len(self._columns):
            raise LineError(f"the line has {len(cells)} values, the header names {len(self._columns)}")
        record: dict[str, _Value] = {}
        invalid: list[tuple[Column, str]] = []
        for (name, values, column), text in zip(self._columns, cells, strict=True):
            try:
                value = values[text]
            except KeyError:
                try:
                    value = _parse(column, text)
                except ValueError:
                    invalid.append((column, text))
                    continue
            if value is not None:
                record[name] = value
        if invalid:
            raise LineError(cells=tuple(invalid))
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


def _lookup(column: Column) -> dict[str, _Value]:
    """Texts of a column to their values, where the column has few."""
    values = column.allowed
    if column.low is not None and column.high is not None and column.high - column.low < _MAX_LOOKUP:
        values = tuple(range(column.low, column.high + 1))
    return {"": None, UNKNOWN: None, **{str(value): value for value in values}}


_VALUES: Final = {name: _lookup(BY_NAME[name]) for name in COLUMN_NAMES}


def _parse(column: Column, text: str) -> str | int:
    """The value of a text that is not in the lookup.

    Raises:
        ValueError: the column does not allow it.
    """
    value: str | int = text
    if column.is_number and (whole := _WHOLE.fullmatch(text)):
        value = int(whole[1])
    return column.canonical(value)


def _header_error(name: str, place: int, names: list[str]) -> str | None:
    """The error of a column name, if it is invalid."""
    if name in names[:place]:
        return f"the header names column '{shorten(name)}' twice"
    if name in COLUMN_NAMES:
        return None
    if name in (*PREDICTION_COLUMNS, *INTERVAL_COLUMNS, HISTORY_COLUMN, *NOTE_COLUMNS):
        return f"column '{name}' belongs to a result; send the file without it"
    if names == [""]:
        return "the first line must name the columns"
    if not name:
        return f"column {place + 1} has no name; with pandas, write the file with index=False"
    if len(names) == 1 and re.search(r"[;\t|]", name):
        return "the columns must be separated by commas"
    return unknown_field(name)
