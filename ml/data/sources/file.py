"""Reads the data set from a local file: the csv, or UCI's zip archive."""

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import pandas as pd

from ml.core.errors import DataSourceError
from ml.schema import COLUMN_NAMES, UNKNOWN

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
        Frames of the 50 columns in schema order, as text; "?" and the empty field are NA, the laboratory category
        "None" is kept; the index numbers the data rows from 1.

    Raises:
        DataSourceError: the file is not a csv with the 50 columns.
    """
    with _open(path) as stream:
        try:
            reader = pd.read_csv(
                stream, dtype="str", keep_default_na=False, na_values=[UNKNOWN, ""], chunksize=chunk_rows
            )
            for chunk in reader:
                _check_header(path, list(chunk.columns))
                if not isinstance(chunk.index, pd.RangeIndex):  # pandas used the first field as index
                    raise DataSourceError(f"{path.name} has rows with more fields than there are columns.")
                chunk.index += 1
                yield chunk[list(COLUMN_NAMES)]
        except _UNREADABLE as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise DataSourceError(f"{path.name} cannot be read as csv: {reason}.") from error


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


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in COLUMN_NAMES if name not in header]
    unknown = [name for name in header if name not in COLUMN_NAMES]
    kinds = {"missing": missing, "unknown": unknown}
    faults = "".join(f"; {kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
    if faults:
        raise DataSourceError(f"{path.name} does not have the 50 columns of the data set{faults}.")
