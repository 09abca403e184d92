"""Uploaded CSV file, indexed by line without parsing.

Parsed text or records of a large file would take many times its size. This index takes the bytes of the file and eight
more per line. No value of the schema contains a line break, so a line is a row; the API reads files the same way.
"""

import csv
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

MAX_ROWS: Final = 200_000
"""Rows that the page accepts. ``.streamlit/config.toml`` limits the bytes."""

_BOM: Final = b"\xef\xbb\xbf"


class UnreadableError(Exception):
    """The content is not a CSV file with rows; ``line`` is the place, if there is one."""

    def __init__(self, line: int | None = None) -> None:
        super().__init__(line)
        self.line = line


class EncodingError(UnreadableError):
    """The content is not text in UTF-8."""


class NoRowsError(UnreadableError):
    """There is no row below the header."""


class TooManyRowsError(UnreadableError):
    """There are more than ``MAX_ROWS`` rows."""


class CsvFile:
    """Header of a file, and its rows by line number, counted from 1."""

    def __init__(self, content: bytes) -> None:
        """Index the lines.

        Raises:
            UnreadableError: the content is not text, or has no rows or too many.
        """
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise EncodingError(content.count(b"\n", 0, error.start) + 1) from None
        self._content = content
        self._starts = _line_starts(content)
        self.header: Final = self.line(1).removeprefix(_BOM)
        try:
            self.names: Final = tuple(_cells(self.header))
        except csv.Error:  # a first line of hundreds of kilobytes
            raise UnreadableError(1) from None
        self.rows: Final = array("L", self._row_numbers())
        """Numbers of the lines that are rows."""
        if not self.rows:
            raise NoRowsError

    def line(self, number: int) -> bytes:
        """A line without its line break."""
        start, end = self._starts[number - 1], self._starts[number]
        return self._content[start:end].rstrip(b"\r\n")

    def part(self, numbers: Sequence[int]) -> bytes:
        """A file of the header and these lines."""
        return b"\n".join([self.header, *(self.line(number) for number in numbers), b""])

    def cells(self, number: int) -> list[str]:
        """The values of a line."""
        return _cells(self.line(number))

    def _row_numbers(self) -> Iterator[int]:
        """Empty lines are no rows, unless there is only one column: then the value is unknown."""
        keep_empty = len(self.names) == 1
        count = 0
        for number in range(2, len(self._starts)):
            if keep_empty or self.line(number):
                count += 1
                if count > MAX_ROWS:
                    raise TooManyRowsError
                yield number


def _line_starts(content: bytes) -> Sequence[int]:
    """Offset of each line, and of the end of the content."""
    starts, position = array("Q", [0]), content.find(b"\n")
    while position >= 0:
        starts.append(position + 1)
        position = content.find(b"\n", position + 1)
    if starts[-1] < len(content) or not content:
        starts.append(len(content))
    return starts


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()]), [])
