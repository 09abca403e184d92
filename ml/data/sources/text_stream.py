"""A delivered file as a stream for pandas: one dialect, and names of the data set in the header."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Final

from ml.schema.files.errors import FileError
from ml.schema.files.reader import FileReader

_PIECE_BYTES: Final = 2**20


class TextStream:
    """Reads a file of any encoding, with any line ends.

    Attributes:
        header: the header of the file.
        error: why the file cannot be read; pandas may replace exceptions of a stream with its own.

    Raises:
        FileError: the file has no header, or a wrong one.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.error: FileError | None = None
        file = FileReader(reserved=())
        texts = _texts(file, stream)
        first = next(texts, "")
        self.header: Final = file.rows.header
        names = (column.name if column else f"foreign {place}" for place, column in enumerate(self.header.columns))
        self._texts = chain([self.header.delimiter.join(names) + "\n", first], texts)

    def __iter__(self) -> Iterator[str]:
        """Pieces of text; pandas requires that a stream can be iterated."""
        return self._texts

    def read(self, _size: int = -1) -> str:
        """The next piece of text; empty at the end."""
        try:
            return next((text for text in self._texts if text), "")
        except FileError as error:
            self.error = error
            raise


def _texts(file: FileReader, stream: IO[bytes]) -> Iterator[str]:
    """The records after the header, a piece at a time."""
    while piece := stream.read(_PIECE_BYTES):
        if text := _joined(file.feed(piece)):
            yield text
    yield _joined(file.finish())


def _joined(records: Iterable[tuple[int, str]]) -> str:
    return "".join(f"{record}\n" for _, record in records)
