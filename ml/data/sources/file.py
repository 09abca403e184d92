"""Reads the data set from a local file: the csv, or UCI's zip archive."""

import logging
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import pandas as pd

from ml.core.errors import DataSourceError
from ml.data.sources.text_stream import TextStream
from ml.schema import COLUMN_NAMES, UNKNOWN
from ml.schema.files.errors import FileError
from ml.schema.files.header import Header

log = logging.getLogger(__name__)

CHUNK_ROWS: Final = 50_000
MEMBER: Final = "diabetic_data.csv"
_UNREADABLE: Final = (ValueError, zipfile.BadZipFile, zlib.error, EOFError)  # pandas' parser raises ValueErrors


def locate(path: Path | None) -> Path:
    """Verify that the path is a readable file, and return it.

    Raises:
        DataSourceError: no path is set, or the file does not exist or is not readable.
    """
    if path is None:
        raise DataSourceError("DATA_SOURCE=file needs DATA_FILE: the path of diabetic_data.csv, or of UCI's zip.")
    if not path.is_file():
        raise DataSourceError(f"DATA_FILE={path} is not a file: give the path of diabetic_data.csv, or of UCI's zip.")
    if not os.access(path, os.R_OK):
        raise DataSourceError(
            f"DATA_FILE={path} may not be read by this user: chmod a+r it, or set AIRFLOW_UID to its owner's number."
        )
    return path


def read_chunks(path: Path, chunk_rows: int = CHUNK_ROWS) -> Iterator[pd.DataFrame]:
    """Read a delivered file in chunks, in constant memory.

    Yields:
        Frames of the 50 columns in schema order, as text; "?" and the empty field are NA, other spellings are as
        delivered; the index numbers the data rows from 1.

    Raises:
        DataSourceError: the file is not a table with the 50 columns.
    """
    with _open(path) as stream:
        text: TextStream | None = None
        try:
            text = TextStream(stream)
            for chunk in _reader(path, text, chunk_rows):
                if not isinstance(chunk.index, pd.RangeIndex):  # pandas used the first field as index
                    raise DataSourceError(f"{path.name} has rows with more fields than there are columns.")
                chunk.index += 1
                yield chunk[list(COLUMN_NAMES)]
        except (*_UNREADABLE, FileError) as error:
            cause = error if isinstance(error, FileError) else text and text.error
            place = f"line {cause.line}: " if cause and cause.line else ""
            reason = place + " ".join((cause.message if cause else str(error)).split()).rstrip(".")
            raise DataSourceError(f"{path.name} cannot be read as csv: {reason}.") from error


def _reader(path: Path, text: TextStream, chunk_rows: int) -> Iterator[pd.DataFrame]:
    """pandas' reader, after the header was found and checked."""
    _check_header(path, text.header)
    return pd.read_csv(
        cast("IO[str]", text),
        sep=text.header.delimiter,
        dtype="str",
        keep_default_na=False,
        na_values=[UNKNOWN, ""],
        skipinitialspace=True,
        chunksize=chunk_rows,
    )


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open the csv, or the csv in the zip; detected by content, because a mounted file may have any name."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if Path(name).name == MEMBER]
        if not members:
            raise DataSourceError(f"{path.name} holds no {MEMBER}: is it UCI's archive of data set 296?")
        with archive.open(members[0]) as stream:
            yield stream


def _check_header(path: Path, header: Header) -> None:
    missing = [name for name in COLUMN_NAMES if name not in header.known]
    if missing:
        foreign = f"; not of the data set: {', '.join(header.foreign)}" if header.foreign else ""
        raise DataSourceError(
            f"{path.name} does not have the 50 columns of the data set; missing: {', '.join(missing)}{foreign}."
        )
    if header.foreign:
        log.info("Not of the data set, and not read: %s", ", ".join(header.foreign))
