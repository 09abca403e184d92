"""Uploaded file: CSV or an Excel workbook. Rows are kept as text: parsed records would take many times their size."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from ml.schema import Record
from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import FileError
from ml.schema.files.reader import FileReader
from ml.schema.files.rows import RowReader
from ui.batch import workbook

MAX_ROWS: Final = 200_000
"""Rows that the page accepts. ``.streamlit/config.toml`` limits the bytes."""


class DeliveredFile:
    """The rows of a file by line number, counted from 1.

    Attributes:
        reader: reads the rows, and remembers how their values were spelt.
        prefix: what stood before the header.
        rows: numbers of the lines with rows.
    """

    def __init__(self, content: bytes, code_system: CodeSystem = CodeSystem.ICD9) -> None:
        """Find the header and split the content into rows, with diagnoses in a code system.

        Raises:
            FileError: the content is neither CSV nor a workbook, its header is wrong, or it has no rows or too many.
        """
        file = FileReader(code_system=code_system)
        self._texts = dict(_records(file, content))
        self.reader: Final[RowReader] = file.rows
        self.prefix: Final = file.prefix or ("\ufeff" if workbook.is_workbook(content) else "")
        self.rows: Final[Sequence[int]] = list(self._texts)
        if not self.rows:
            raise FileError("the file has a header, but no rows")
        if len(self.rows) > MAX_ROWS:
            raise FileError(f"the file has more than {MAX_ROWS:,} rows: split it, and upload one part after another")

    def record(self, number: int) -> Record:
        """The known values of a line.

        Raises:
            RowError: the line is not valid.
        """
        return self.reader.read(self._texts[number])

    def cells(self, number: int) -> list[str]:
        """The cells of a line as delivered."""
        return self.reader.cells_of(self._texts[number])

    def returned(self, number: int) -> str:
        """The line for a download."""
        return self.reader.returned(self._texts[number])

    def part(self, numbers: Sequence[int]) -> bytes:
        """These lines as a CSV file for the API: columns and spellings of the data set only."""
        names = self.reader.header.known
        return csv_of([names, *([record.get(name) for name in names] for record in map(self.record, numbers))])


def csv_of(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _records(file: FileReader, content: bytes) -> Iterable[tuple[int, str]]:
    if workbook.is_workbook(content):
        yield from file.records(workbook.lines_of(content))
        return
    yield from file.feed(content)
    yield from file.finish()
