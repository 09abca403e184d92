"""Splits the bytes of a file, in whatever pieces they arrive, into records of text.

UTF-8 with or without byte order mark and UTF-16 are detected. A line that is not UTF-8 is Windows-1252 or Latin-1.
Lines end with LF, CRLF or CR. A quoted value may contain line ends.
"""

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from ml.schema.files.errors import FileError

MAX_LINE_BYTES: Final = 64 * 1024
"""A line with all columns of the data set has at most 600 bytes; the rest is for columns of others."""

DELIMITERS: Final = ",;\t|"

_PREFIX: Final = 4
_UTF16: Final = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MARKS: Final = (codecs.BOM_UTF8, *(mark for mark, _ in _UTF16))
_NOT_TEXT: Final = (
    (b"PK\x03\x04", "the file is an Excel workbook or a zip archive, not CSV: save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "the file is an old Excel workbook, not CSV: save it as CSV"),
    (b"\x1f\x8b", "the file is compressed, not CSV: unpack it"),
    (b"%PDF", "the file is a PDF document, not CSV"),
)


class RecordSplitter:
    """Splits a file into records.

    Attributes:
        delimiter: delimiters that may end a value; to be set to the one of the file as soon as it is known.
        has_mark: whether the file begins with a byte order mark.
    """

    def __init__(self) -> None:
        self.delimiter = DELIMITERS
        self.has_mark = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._started = False
        self._rest = bytearray()  # the last line, while incomplete
        self._line = 0  # lines split
        self._open = ""  # a record whose quoted value continues
        self._open_line = 0

    def feed(self, piece: bytes) -> Iterator[tuple[int, str]]:
        """Records that end in the next piece, each with the number of its first line.

        Raises:
            FileError: the file is not text, or a line is too long.
        """
        self._rest += self._to_utf8(piece)
        if not self._started:
            if len(self._rest) < _PREFIX:
                return
            self._start()
        end = self._rest.rfind(b"\n") + 1 or self._rest.rfind(b"\r", 0, max(0, len(self._rest) - 1)) + 1
        if end:
            complete = bytes(self._rest[:end])
            del self._rest[:end]
            yield from self._split(complete)
        if len(self._rest) > MAX_LINE_BYTES:
            raise self._too_long(self._line + 1)

    def finish(self) -> Iterator[tuple[int, str]]:
        """The last record.

        Raises:
            FileError: as in :meth:`feed`; also if a quotation mark is not closed.
        """
        if not self._started:
            self._start()
        self._rest += self._to_utf8(b"", final=True)
        if self._rest:
            yield from self._split(bytes(self._rest).removesuffix(b"\n") + b"\n")
        if self._open_line:
            raise self._not_closed()

    def _start(self) -> None:
        self._started = True
        first = bytes(self._rest[:_PREFIX])
        if message := next((message for mark, message in _NOT_TEXT if first.startswith(mark)), None):
            raise FileError(message)
        encoding = next((name for mark, name in _UTF16 if first.startswith(mark)), None)
        if encoding is None and len(first) == _PREFIX and first[0] and first[1::2] == b"\0\0":
            encoding = "utf-16-le"
        elif encoding is None and len(first) == _PREFIX and first[1] and first[::2] == b"\0\0":
            encoding = "utf-16-be"
        self.has_mark = first.startswith(_MARKS)
        if encoding:
            self._decoder = codecs.getincrementaldecoder(encoding)()
            self._rest[:] = self._to_utf8(bytes(self._rest))
        elif first.startswith(codecs.BOM_UTF8):
            del self._rest[: len(codecs.BOM_UTF8)]

    def _to_utf8(self, piece: bytes, final: bool = False) -> bytes:
        if self._decoder is None:
            return piece
        try:
            return self._decoder.decode(piece, final).encode()
        except UnicodeError:
            raise FileError("the file is not text: it begins like UTF-16, and is not", self._line + 1) from None

    def _split(self, complete: bytes) -> Iterator[tuple[int, str]]:
        if b"\0" in complete:
            before = complete[: complete.index(b"\0")]
            raise FileError("the file is not text: it holds a null byte", self._line + 1 + before.count(b"\n"))
        text = _decode(complete)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        for line in text[:-1].split("\n"):
            self._line += 1
            if len(line) > MAX_LINE_BYTES:
                raise self._too_long(self._line)
            if self._open_line or '"' in line:
                yield from self._join(line)
            else:
                yield self._line, line

    def _join(self, line: str) -> Iterator[tuple[int, str]]:
        """Join the lines of a record with a quoted value that contains line ends."""
        if not self._open_line:
            if _complete(self.delimiter).fullmatch(line):
                yield self._line, line
            else:
                self._open, self._open_line = line, self._line
            return
        self._open += f"\n{line}"
        if '"' in line and _complete(self.delimiter).fullmatch(f'"{line}'):
            number, self._open_line = self._open_line, 0
            yield number, self._open
        elif len(self._open) > MAX_LINE_BYTES:
            raise self._not_closed()

    def _too_long(self, line: int) -> FileError:
        return FileError(f"the line has more than {MAX_LINE_BYTES} bytes", line)

    def _not_closed(self) -> FileError:
        return FileError("the line has a quotation mark that is not closed", self._open_line)


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return "".join(_decode_line(line) for line in text.splitlines(keepends=True))


def _decode_line(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")


@lru_cache(16)
def _complete(delimiters: str) -> re.Pattern[str]:
    """Matches a record whose quotation marks are all closed, as :mod:`csv` reads them; in linear time."""
    d = re.escape(delimiters)
    cell = rf' *+(?:"(?:[^"]|"")*+"[^{d}]*+|(?!")[^{d}]*+)'
    return re.compile(rf"{cell}(?:[{d}]{cell})*+")
