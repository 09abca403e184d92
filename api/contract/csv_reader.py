"""Parses an uploaded CSV file piece by piece, and validates it to the end before anything is returned.

The status of a response cannot change once its body has begun: an invalid last line would leave a truncated file that
looks complete. Until the end, valid lines are held compressed, at a few bytes each; records would take kilobytes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.contract.csv_rows import Header, LineError
from api.contract.field_errors import MAX_ERRORS, FieldError, invalid_records
from api.errors import InvalidRecordsError, MalformedBodyError
from ml.schema import Record

BLOCK_ROWS: Final = 1_000
MAX_LINE_BYTES: Final = 16 * 1024
"""A line with all fields has at most 600 bytes."""

_BOM: Final = b"\xef\xbb\xbf"
_COMPRESSION: Final = 1  # zlib's fastest level: the genuine file shrinks to a sixth, as fast as it is read


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A validated file: compressed blocks of lines, each of which is a valid record. Empty lines are left out."""

    header: Header
    blocks: Sequence[bytes]
    rows: int

    def records(self) -> list[Record]:
        """All records; for short files."""
        return [self.header.record_of(line) for block in self.blocks for line in self.lines_of(block)]

    def lines_of(self, block: bytes) -> list[str]:
        """The lines of one of the blocks."""
        return zlib.decompress(block).decode().split("\n")


class CsvParser:
    """Parses a file in pieces. Not thread-safe."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._rest = bytearray()  # the last line, while incomplete
        self._header: Header | None = None
        self._line = 0  # lines read
        self._rows = 0  # records among them
        self._lines: list[str] = []  # valid lines, not yet compressed
        self._blocks: list[bytes] = []
        self._errors: list[FieldError] = []
        self._error_count = 0

    def feed(self, piece: bytes) -> None:
        """Parse the next piece.

        Raises:
            MalformedBodyError: the file is not UTF-8 text.
            InvalidRecordsError: the header is invalid, a line is too long, or there are too many rows.
        """
        self._rest += piece
        end = self._rest.rfind(b"\n") + 1
        if end:
            complete = bytes(self._rest[:end])
            del self._rest[:end]
            self._parse(complete[:-1])
        if len(self._rest) > MAX_LINE_BYTES:
            raise _file_error(f"the line has more than {MAX_LINE_BYTES} bytes", self._line + 1)

    def finish(self) -> CsvFile:
        """The file, after its last piece.

        Raises:
            MalformedBodyError: as in :meth:`feed`.
            InvalidRecordsError: the file has no rows, or invalid ones.
        """
        if self._rest:
            self._parse(bytes(self._rest))
        if self._header is None:
            raise _file_error("the file is empty; its first line must name the columns")
        if self._error_count:
            raise invalid_records(self._errors, self._error_count)
        if not self._rows:
            raise _file_error("the file has a header, but no rows")
        self._compress()
        return CsvFile(self._header, self._blocks, self._rows)

    def _parse(self, text: bytes) -> None:
        try:
            lines = text.removeprefix(_BOM if self._line == 0 else b"").decode().split("\n")
        except UnicodeDecodeError as error:
            number = self._line + 1 + text[: error.start].count(b"\n")
            raise MalformedBodyError(f"The file is not UTF-8 text: line {number} has an invalid byte.") from None
        for line in lines:
            self._line += 1
            self._parse_line(line.removesuffix("\r"))

    def _parse_line(self, line: str) -> None:
        if len(line) > MAX_LINE_BYTES:
            raise _file_error(f"the line has more than {MAX_LINE_BYTES} bytes", self._line)
        if self._header is None:
            self._header = Header(line)
            return
        if self._header.skips(line):
            return
        if self._rows == self._max_rows:
            raise _file_error(f"the file has more than {self._max_rows} rows: send it in parts", self._line)
        try:
            self._header.record_of(line)
        except LineError as error:
            errors = error.field_errors(self._rows, self._line)
            self._error_count += len(errors)
            self._errors += errors[: MAX_ERRORS - len(self._errors)]
        self._rows += 1
        if not self._error_count:
            self._lines.append(line)
            if len(self._lines) == BLOCK_ROWS:
                self._compress()

    def _compress(self) -> None:
        if self._lines:
            self._blocks.append(zlib.compress("\n".join(self._lines).encode(), _COMPRESSION))
            self._lines = []


def _file_error(message: str, line: int | None = None) -> InvalidRecordsError:
    return invalid_records([FieldError(None, None, None, message, line=line)])
