"""The first sheet of an Excel workbook (``.xlsx``) as lines of CSV."""

import csv
import zipfile
from collections.abc import Iterator
from datetime import date
from io import BytesIO, StringIO
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from ml.schema.files.errors import FileError

MAX_UNPACKED: Final = 512 * 2**20
"""Bytes of an unpacked workbook: one of a few kilobytes can unpack to gigabytes."""

_MARK: Final = b"PK\x03\x04"


def is_workbook(content: bytes) -> bool:
    """Whether the content is a zip archive, as workbooks are."""
    return content.startswith(_MARK)


def lines_of(content: bytes) -> Iterator[tuple[int, str]]:
    """The rows that are not empty, each with its number in the sheet, from 1.

    Raises:
        FileError: the content is not a workbook, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise FileError(f"the workbook unpacks to more than {MAX_UNPACKED} bytes: save it as CSV")
        sheet = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise FileError(f"the file cannot be read as an Excel workbook: {error}") from error
    for number, row in enumerate(rows, 1):
        cells = [_text(cell) for cell in row]
        if any(cells):
            sink = StringIO()
            csv.writer(sink, lineterminator="").writerow(cells)
            yield number, sink.getvalue()


def _text(cell: object) -> str:
    """A cell as text. Excel has no whole numbers; a date is how it stored an age such as 10-20."""
    match cell:
        case bool():
            return str(cell).lower()
        case float() if cell.is_integer():
            return str(int(cell))
        case date():
            return cell.isoformat()
        case _:
            return str(cell)
