"""Reads a file in pieces: what stands before the header, the header, and the records after it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ml.schema.code_systems import DIAGNOSES, CodeSystem
from ml.schema.files.errors import FileError
from ml.schema.files.header import read_header, separator_of
from ml.schema.files.rows import RowReader
from ml.schema.files.text import RecordSplitter

CODE_COLUMNS: Final = {name: f"{name}_icd9" for name in DIAGNOSES}
"""Columns with the ICD-9-CM codes of a file in ICD-10-CM, by the column of the code."""

RESULT_COLUMNS: Final = (
    *("readmission_risk", "known_fields", "reliability", "risk_low", "risk_high", "flagged"),
    *("history", *CODE_COLUMNS.values(), "outside_population", "warnings"),
)
"""Columns that a scored file has in addition; a file to be scored may not have them."""


class FileReader:
    """Splits a file into records with the number of their first line. Empty lines are left out."""

    def __init__(self, reserved: Sequence[str] = RESULT_COLUMNS, code_system: CodeSystem = CodeSystem.ICD9) -> None:
        self._splitter = RecordSplitter()
        self._reserved = reserved
        self._code_system = code_system
        self._separator: str | None = None  # as a line before the header names it
        self._rows: RowReader | None = None

    @property
    def rows(self) -> RowReader:
        """The reader of the records.

        Raises:
            FileError: the header was not found.
        """
        if self._rows is None:
            raise FileError("the file is empty; its first line must name the columns")
        return self._rows

    @property
    def prefix(self) -> str:
        """What stood before the header: a byte order mark, a line that names the separator."""
        mark = "\ufeff" if self._splitter.has_mark else ""
        return f"{mark}sep={self._separator}\r\n" if self._separator else mark

    def feed(self, piece: bytes) -> Iterator[tuple[int, str]]:
        """Records that end in the next piece.

        Raises:
            FileError: the file cannot be read, or its header is wrong.
        """
        return self.records(self._splitter.feed(piece))

    def finish(self) -> Iterator[tuple[int, str]]:
        """The last record.

        Raises:
            FileError: as in :meth:`feed`.
        """
        return self.records(self._splitter.finish())

    def records(self, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """The records among lines, the first of which are the header and what stands before it."""
        for line, text in lines:
            if self._rows is None:
                self._read_first(line, text)
            elif text or len(self._rows.header.names) == 1:  # an empty line of the only column is an unknown value
                yield line, text

    def _read_first(self, line: int, text: str) -> None:
        if self._separator is None and (separator := separator_of(text)):
            self._separator = separator
        elif text.strip():
            header = read_header(text, line, self._separator, self._reserved)
            self._splitter.delimiter = header.delimiter
            self._rows = RowReader(header, self._code_system)
