"""Parses an uploaded CSV file piece by piece, and validates it to the end before anything is returned.

The status of a response cannot change once its body has begun: an invalid last line would leave a truncated file that
looks complete. Until the end, valid lines are held compressed, at a few bytes each; records would take kilobytes. Lines
are read in blocks, column by column, at two thirds of the cost of reading them one by one.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from api.contract.field_errors import file_error, group_error, invalid_records
from api.contract.record_columns import RecordColumns
from ml.schema import TARGET, Record
from ml.schema.code_systems import CodeSystem, ConvertedRecord
from ml.schema.files.errors import ErrorGroups, FileError
from ml.schema.files.reader import FileReader
from ml.schema.files.rows import RowReader

BLOCK_ROWS: Final = 1_000

PREDICTION_COLUMNS: Final = ("readmission_risk", "known_fields", "reliability")
INTERVAL_COLUMNS: Final = ("risk_low", "risk_high")
FLAGGED_COLUMN: Final = "flagged"
HISTORY_COLUMN: Final = "history"
NOTE_COLUMNS: Final = ("outside_population", "warnings")
"""Columns that the response adds: always; with ``interval=true``; with a policy; with patient numbers; always."""

_COMPRESSION: Final = 1  # zlib's fastest level: the genuine file shrinks to a sixth, as fast as it is read
_END: Final = "\0"  # no text of a file holds it, while a quoted value may hold line ends


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A validated file: compressed blocks of lines, each of which is a valid record. Empty lines are left out.

    ``prefix`` is what stood before the header: a byte order mark, a line that names the separator.
    """

    reader: RowReader
    prefix: str
    blocks: Sequence[bytes]
    rows: int

    def records(self) -> list[Record]:
        """All records, without unknown values; for short files."""
        records = [record for block in self.blocks for record in self.columns_of(self.lines_of(block)).records]
        if self.reader.code_system is CodeSystem.ICD10:
            return records
        return [{name: value for name, value in record.items() if value is not None} for record in records]

    def lines_of(self, block: bytes) -> list[str]:
        """The lines of one of the blocks; a quoted value may contain line ends."""
        return zlib.decompress(block).decode().split(_END)

    def columns_of(self, lines: Sequence[str]) -> RecordColumns:
        """The records of lines, without their outcomes, which no model sees."""
        values, _ = self.reader.read_columns(lines)
        values.pop(TARGET, None)
        columns = RecordColumns.of_values(values, len(lines))
        if self.reader.code_system is CodeSystem.ICD9:
            return columns
        return RecordColumns([ConvertedRecord(record) for record in columns.records])


class CsvParser:
    """Parses a file in pieces. Not thread-safe."""

    def __init__(self, max_rows: int, code_system: CodeSystem = CodeSystem.ICD9) -> None:
        self._max_rows = max_rows
        self._file = FileReader(code_system=code_system)
        self._rows = 0  # in the blocks
        self._texts: list[str] = []  # lines of the next block
        self._numbers: list[int] = []  # of these lines in the file
        self._blocks: list[bytes] = []
        self._errors = ErrorGroups()

    def feed(self, piece: bytes) -> None:
        """Parse the next piece.

        Raises:
            InvalidRecordsError: the file is not text, the header is invalid, a line is too long, or there are too many.
        """
        self._parse(self._file.feed(piece))

    def finish(self) -> CsvFile:
        """The file, after its last piece.

        Raises:
            InvalidRecordsError: as in :meth:`feed`; or the file has no rows, or invalid ones.
        """
        self._parse(self._file.finish())
        self._end_block()
        if self._errors.count:
            raise invalid_records([group_error(group) for group in self._errors], self._errors.count)
        try:
            reader = self._file.rows
            if not self._rows:
                raise FileError("the file has a header, but no rows")
        except FileError as error:
            raise file_error(error) from None
        return CsvFile(reader, self._file.prefix, self._blocks, self._rows)

    def _parse(self, records: Iterable[tuple[int, str]]) -> None:
        try:
            for line, text in records:
                if self._rows + len(self._texts) == self._max_rows:
                    raise FileError(f"the file has more than {self._max_rows} rows: send it in parts", line)
                self._numbers.append(line)
                self._texts.append(text)
                if len(self._texts) == BLOCK_ROWS:
                    self._end_block()
        except FileError as error:
            raise file_error(error) from None

    def _end_block(self) -> None:
        """Validate the lines since the last block, and compress them unless there are errors."""
        if not self._texts:
            return
        _, errors = self._file.rows.read_columns(self._texts)
        for position, error in sorted(errors.items()):
            self._errors.add_row(error, self._rows + position, self._numbers[position])
        self._rows += len(self._texts)
        if not self._errors.count:
            self._blocks.append(zlib.compress(_END.join(self._texts).encode(), _COMPRESSION))
        self._texts, self._numbers = [], []
