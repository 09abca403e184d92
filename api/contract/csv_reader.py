"""A CSV file as it comes in: checked to its end before anything is answered.

Once an answer has begun, its status cannot be taken back: a fault in the last line would then leave half a file that
looks whole. Until the end is known the lines wait compressed, a few bytes each; as records they would take kilobytes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.contract.csv_rows import Header, LineError
from api.contract.parsing import MAX_FAULTS, refusal
from api.contract.validation_errors import Fault
from api.errors import ApiError, MalformedBodyError
from ml.schema import Record

BLOCK_ROWS: Final = 1_000
LINE_BYTES: Final = 16 * 1024
"""A line with all fields has 600 at most."""

_BOM: Final = b"\xef\xbb\xbf"
_FAST: Final = 1  # zlib's level: the genuine file shrinks to a sixth, as fast as it is read


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file whose every line is a valid record; lines without one are left out."""

    header: Header
    blocks: Sequence[bytes]
    rows: int

    def records(self) -> list[Record]:
        """All records; for files that are known to be short."""
        return [self.header.record_of(line) for block in self.blocks for line in self.lines_of(block)]

    def lines_of(self, block: bytes) -> list[str]:
        """The lines of one of the blocks."""
        return zlib.decompress(block).decode().split("\n")


class CsvIntake:
    """Takes in a file, piece by piece, and checks it. For one thread at a time."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._rest = bytearray()
        self._header: Header | None = None
        self._line = 0  # lines that were read
        self._rows = 0  # records among them
        self._waiting: list[str] = []
        self._blocks: list[bytes] = []
        self._faults: list[Fault] = []
        self._fault_count = 0

    def take(self, piece: bytes) -> None:
        """Check the next piece of the file.

        Raises:
            MalformedBodyError: it is not text in UTF-8.
            InvalidRecordsError: its header is not one, a line is too long, or there are too many rows.
        """
        self._rest += piece
        end = self._rest.rfind(b"\n") + 1
        if end:
            whole = bytes(self._rest[:end])
            del self._rest[:end]
            self._check(whole[:-1])
        if len(self._rest) > LINE_BYTES:
            raise self._too_long(self._line + 1)

    def finish(self) -> CsvFile:
        """The file, once it has been taken in.

        Raises:
            MalformedBodyError: as above.
            InvalidRecordsError: there is something wrong with it; tells the first faults, and how many there are.
        """
        if self._rest:
            self._check(bytes(self._rest))
        if self._header is None:
            raise refusal([Fault(None, None, None, "the file is empty; its first line must name the columns")], 1)
        if self._fault_count:
            raise refusal(self._faults, self._fault_count)
        if not self._rows:
            raise refusal([Fault(None, None, None, "the file has a header, but no rows")], 1)
        self._pack()
        return CsvFile(self._header, self._blocks, self._rows)

    def _check(self, text: bytes) -> None:
        try:
            lines = text.removeprefix(_BOM if self._line == 0 else b"").decode().split("\n")
        except UnicodeDecodeError as error:
            number = self._line + 1 + text[: error.start].count(b"\n")
            raise MalformedBodyError(f"The file is not text in UTF-8: line {number} has a byte that is none.") from None
        for line in lines:
            self._line += 1
            self._check_line(line.removesuffix("\r"))

    def _check_line(self, line: str) -> None:
        if len(line) > LINE_BYTES:
            raise self._too_long(self._line)
        if self._header is None:
            self._header = Header(line)
            return
        if self._header.skips(line):
            return
        if self._rows == self._max_rows:
            message = f"the file has more than {self._max_rows} rows: send it in parts"
            raise refusal([Fault(None, None, None, message, line=self._line)], 1)
        try:
            self._header.record_of(line)
        except LineError as error:
            faults = error.faults(self._rows, self._line)
            self._fault_count += len(faults)
            self._faults += faults[: MAX_FAULTS - len(self._faults)]
        self._rows += 1
        if not self._fault_count:
            self._waiting.append(line)
            if len(self._waiting) == BLOCK_ROWS:
                self._pack()

    def _pack(self) -> None:
        if self._waiting:
            self._blocks.append(zlib.compress("\n".join(self._waiting).encode(), _FAST))
            self._waiting = []

    def _too_long(self, line: int) -> ApiError:
        return refusal([Fault(None, None, None, f"the line has more than {LINE_BYTES} bytes", line=line)], 1)
