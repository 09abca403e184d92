"""Uploaded CSV file, split into lines and not parsed: parsed records of a large file would take many times its size.

No value of the schema contains a line break, so a line is a row; the API reads files the same way.
"""

import csv
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

MAX_ROWS: Final = 200_000
"""Rows that the page accepts. ``.streamlit/config.toml`` limits the bytes."""

_BOM: Final = b"\xef\xbb\xbf"


class Reason(StrEnum):
    """Why content is not a CSV file with rows."""

    ENCODING = "not UTF-8"
    HEADER = "no header"
    NO_ROWS = "no rows"
    TOO_MANY_ROWS = "too many rows"


class UnreadableError(Exception):
    """The content is not a CSV file with rows; ``line`` is the place of a wrong encoding."""

    def __init__(self, reason: Reason, line: int | None = None) -> None:
        super().__init__(reason, line)
        self.reason, self.line = reason, line


class CsvFile:
    """Header of a file, and its rows by line number, counted from 1."""

    def __init__(self, content: bytes) -> None:
        """Split the content into lines.

        Raises:
            UnreadableError: the content is not text, or has no rows or too many.
        """
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise UnreadableError(Reason.ENCODING, content.count(b"\n", 0, error.start) + 1) from None
        self._lines = content.removesuffix(b"\n").split(b"\n")
        self.header: Final = self.line(1).removeprefix(_BOM)
        try:
            self.names: Final = self.cells(1)
        except csv.Error:  # a first line of hundreds of kilobytes
            raise UnreadableError(Reason.HEADER) from None
        # Empty lines are no rows, unless there is only one column: then the value is unknown.
        numbers = range(2, len(self._lines) + 1)
        self.rows: Final = [number for number in numbers if len(self.names) == 1 or self.line(number)]
        """Numbers of the lines that are rows."""
        if not self.rows:
            raise UnreadableError(Reason.NO_ROWS)
        if len(self.rows) > MAX_ROWS:
            raise UnreadableError(Reason.TOO_MANY_ROWS)

    def line(self, number: int) -> bytes:
        """A line without its line break."""
        return self._lines[number - 1].rstrip(b"\r")

    def part(self, numbers: Sequence[int]) -> bytes:
        """A file of the header and these lines."""
        return b"\n".join([self.header, *(self.line(number) for number in numbers), b""])

    def cells(self, number: int) -> list[str]:
        """The values of a line."""
        line = self.header if number == 1 else self.line(number)
        return next(csv.reader([line.decode()]), [])
