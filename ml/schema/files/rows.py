"""Reads the records of a file into values of the schema, and collects what a reader of the result must know."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Final

from ml.schema import BY_NAME
from ml.schema.code_systems import COLUMNS_IN, CodeSystem
from ml.schema.columns import Column, Missing, Record
from ml.schema.files.errors import RowError
from ml.schema.files.formulas import harmless
from ml.schema.files.header import Header, cells_of
from ml.schema.files.values import Value, ValueReader

_EXAMPLES: Final = 5
"""Mapped texts listed of a column."""

NOT_MEASURED_LOST: Final = (
    "max_glu_serum and A1Cresult hold unknown values and not one None (not measured): pandas reads None as missing. "
    "Read the file with keep_default_na=False, na_values=['?'] before writing it"
)


class RowReader:
    """Reads the records of a file with this header.

    Attributes:
        header: the header of the file.
        code_system: the code system of its diagnoses.
        all_known: whether the header has no foreign columns.
        is_regular: whether all records had as many cells as the header, so far.
    """

    def __init__(self, header: Header, code_system: CodeSystem = CodeSystem.ICD9) -> None:
        self.header: Final = header
        self.code_system: Final = code_system
        self.is_regular = True
        self._readers: Final = [ValueReader(COLUMNS_IN[code_system][name]) for name in header.known]
        self._columns: Final = [(reader.column.name, reader.values, reader) for reader in self._readers]
        self._places: Final = [place for place, column in enumerate(header.columns) if column]
        self.all_known: Final = len(self._places) == len(header.names)

    def cells_of(self, text: str) -> list[str]:
        """The cells of a record, foreign ones included.

        Raises:
            RowError: their number is not that of the columns; empty ones at the end are ignored.
        """
        cells = cells_of(text, self.header.delimiter)
        expected = len(self.header.names)
        if len(cells) > expected and not any(cells[expected:]):
            self.is_regular = False
            cells = cells[:expected]
        if len(cells) != expected:
            raise RowError(f"the line has {len(cells)} values, the header names {expected}")
        return cells

    def read(self, text: str) -> Record:
        """The known values of a record.

        Raises:
            RowError: the record is not valid.
        """
        return self.read_cells(self.cells_of(text))

    def read_cells(self, cells: list[str]) -> Record:
        """The known values of cells.

        Raises:
            RowError: some of the cells are not valid.
        """
        if not self.all_known:
            cells = [cells[place] for place in self._places]
        record: dict[str, str | int | None] = {}
        invalid: list[tuple[Column, str]] = []
        for (name, values, reader), text in zip(self._columns, cells, strict=True):
            try:
                value = values[text]
            except KeyError:
                try:
                    value = reader.read(text)
                except ValueError:
                    invalid.append((reader.column, text))
                    continue
            if value is not None:
                record[name] = value
        if invalid:
            raise RowError(cells=tuple(invalid))
        return record

    def read_columns(self, texts: Sequence[str]) -> tuple[dict[str, list[Value]], dict[int, RowError]]:
        """The values of records by column, and the errors of invalid records by position.

        The same values and errors as :meth:`read` has, at two thirds of its cost. None is unknown, or not valid.
        """
        errors: dict[int, RowError] = {}
        rows, invalid = [], dict[int, list[tuple[Column, str]]]()
        for position, text in enumerate(texts):
            try:
                rows.append(self.cells_of(text))
            except RowError as error:
                errors[position] = error
                rows.append([""] * len(self.header.names))
        places = list(zip(*rows, strict=True))
        columns: dict[str, list[Value]] = {}
        for (name, _, reader), place in zip(self._columns, self._places, strict=True):
            columns[name] = _read_column(reader, places[place], invalid)
        return columns, errors | {position: RowError(cells=tuple(cells)) for position, cells in invalid.items()}

    def returned(self, text: str) -> str:
        """A record as it is handed back to its owner: cells of foreign columns are no formulas."""
        if self.is_regular and self.all_known:
            return text
        cells = zip(self.cells_of(text), self.header.columns, strict=True)
        return self.line_of([cell if column else harmless(cell) for cell, column in cells])

    def line_of(self, cells: Sequence[str]) -> str:
        """Cells as a line in the dialect of the file."""
        sink = StringIO()
        csv.writer(sink, delimiter=self.header.delimiter, lineterminator="").writerow(cells)
        return sink.getvalue()

    @property
    def mapped(self) -> dict[str, dict[str, Value]]:
        """Texts that stood for another value, with the value, by column."""
        return {reader.column.name: reader.mapped for reader in self._readers if reader.mapped}

    @property
    def warning(self) -> str | None:
        """What is probably wrong with the file as a whole."""
        read = [
            set(reader.values.values()) for reader in self._readers if reader.column.missing is Missing.NOT_MEASURED
        ]
        values = set().union(*read)
        lost = len(read) > 1 and None in values and "None" not in values
        return NOT_MEASURED_LOST if lost else None


def _read_column(
    reader: ValueReader, texts: Sequence[str], invalid: dict[int, list[tuple[Column, str]]]
) -> list[Value]:
    try:
        return list(map(reader.values.__getitem__, texts))  # nearly every text was read before
    except KeyError:
        found: dict[str, Value] = {}
    wrong = set()
    for text in dict.fromkeys(texts):  # in the order of the file, as what is reported of them
        try:
            found[text] = reader.read(text)
        except ValueError:
            wrong.add(text)
    for position in (position for position, text in enumerate(texts) if text in wrong) if wrong else ():
        invalid.setdefault(position, []).append((reader.column, texts[position]))
    return list(map(found.get, texts))


def describe_mapped(mapped: dict[str, dict[str, Value]]) -> str:
    """One line that says what was read as what."""
    return "; ".join(f"{_with_unit(BY_NAME[name])}: {_pairs(values)}" for name, values in mapped.items())


def _with_unit(column: Column) -> str:
    return f"{column.name} ({column.unit})" if column.name in ("age", "weight") else column.name


def _pairs(values: dict[str, Value]) -> str:
    shown = ", ".join(f"{text} = {value}" for text, value in list(values.items())[:_EXAMPLES])
    return shown + (f" and {len(values) - _EXAMPLES} more" if len(values) > _EXAMPLES else "")
