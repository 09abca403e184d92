"""An uploaded file: its lines by number, cut from the bytes when they are asked for.

As text or as records a large file would take many times its size; here it takes the bytes it came in, once, and eight
more for each line. No value of the schema holds a line end, so a line is a row: the API reads files likewise.
"""

import csv
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

MOST_ROWS: Final = 200_000
"""What the page takes at once. The limit on bytes is in ``.streamlit/config.toml``."""

_BOM: Final = b"\xef\xbb\xbf"


class UnreadableError(Exception):
    """The bytes are no file of rows; ``line`` is where that shows, if it does at one place."""

    def __init__(self, line: int | None = None) -> None:
        super().__init__(line)
        self.line = line


class NotTextError(UnreadableError):
    """It is not text in UTF-8."""


class NoRowsError(UnreadableError):
    """There is nothing below its first line."""


class TooManyRowsError(UnreadableError):
    """It has more rows than are taken at once."""


class CsvFile:
    """The header of a file, and its rows by the numbers of their lines, from 1 as an editor counts."""

    def __init__(self, content: bytes) -> None:
        """Find the lines.

        Raises:
            UnreadableError: it is not text, has no rows, or too many.
        """
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise NotTextError(content.count(b"\n", 0, error.start) + 1) from None
        self._content = content
        self._starts = _starts(content)
        self.header: Final = self.line(1).removeprefix(_BOM)
        try:
            self.names: Final = tuple(_cells(self.header))
        except csv.Error:  # a first line of hundreds of kilobytes
            raise UnreadableError(1) from None
        self.rows: Final = array("L", self._numbers())
        """Numbers of the lines that hold a row."""
        if not self.rows:
            raise NoRowsError

    def line(self, number: int) -> bytes:
        """A line without its end."""
        start, end = self._starts[number - 1], self._starts[number]
        return self._content[start:end].rstrip(b"\r\n")

    def part(self, numbers: Sequence[int]) -> bytes:
        """A file of the same header, and of these lines only."""
        return b"\n".join([self.header, *(self.line(number) for number in numbers), b""])

    def cells(self, number: int) -> list[str]:
        """The values of a line."""
        return _cells(self.line(number))

    def _numbers(self) -> Iterator[int]:
        """An empty line says nothing, unless there is one column only: then that its value is unknown."""
        keeps_empty = len(self.names) == 1
        found = 0
        for number in range(2, len(self._starts)):
            if keeps_empty or self.line(number):
                found += 1
                if found > MOST_ROWS:
                    raise TooManyRowsError
                yield number


def _starts(content: bytes) -> Sequence[int]:
    """Where each line begins, and at last where the file ends."""
    starts, place = array("Q", [0]), content.find(b"\n")
    while place >= 0:
        starts.append(place + 1)
        place = content.find(b"\n", place + 1)
    if starts[-1] < len(content) or not content:
        starts.append(len(content))
    return starts


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()]), [])
