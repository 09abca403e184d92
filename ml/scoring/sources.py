"""Sources of records: the table ``raw_data``, a CSV file, a Parquet file, or a folder of Parquet files.

Each is a stream of CSV for the project's one reader, so that names of columns and values are read alike everywhere, and
no more than a piece is in memory.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import chain
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import sqlalchemy as sa

from ml.core.errors import NoDataError, ScoringError
from ml.schema import COLUMN_NAMES, ENCOUNTER_ID, Kind
from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import FileError
from ml.schema.files.header import Header, read_header
from ml.schema.files.reader import FileReader
from ml.schema.files.rows import RowReader
from ml.schema.identifiers import MAX_EXACT
from ml.warehouse.connection import copy_out
from ml.warehouse.tables import ingestions

TABLE: Final = "raw_data"
_PIECE_BYTES: Final = 2**20
_PIECE_ROWS: Final = 20_000
_PARQUET: Final = b"PAR1"
_COLUMNS: Final = ", ".join(f'"{name}"' for name in COLUMN_NAMES)


@dataclass(frozen=True, slots=True)
class Source:
    """Records in a fixed order.

    Attributes:
        name: as the user gave it.
        sha256: of the content.
        unit: what errors count, from 1: lines of a CSV file, else rows.
        pieces: the content as CSV with a header, from the beginning.
        is_unchanged: whether the content is still that of ``sha256``.
        foreign: columns that are not in ``pieces``, because they are not of the data set.
    """

    name: str
    sha256: str
    unit: str
    pieces: Callable[[], Iterator[bytes]]
    is_unchanged: Callable[[], bool] = lambda: True
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a source: their reader, their texts with the number of the line, and columns that are not read."""

    reader: RowReader
    texts: Iterator[tuple[int, str]]
    foreign: list[str]


def table_source(connection: sa.Connection) -> Source:
    """The table, as the transaction of the connection sees it.

    Raises:
        NoDataError: nothing has been ingested.
    """
    latest = connection.execute(sa.select(ingestions).order_by(ingestions.c.id.desc()).limit(1)).first()
    if latest is None:
        raise NoDataError("There are no encounters yet: run ingest_diabetes, or 'python -m ml ingest'.")
    return Source(TABLE, latest.content_sha256, "row", lambda: _pages(connection))


def file_source(path: Path) -> Source:
    """A CSV file, a Parquet file, or all files ``*.parquet`` of a folder in the order of their names.

    Raises:
        ScoringError: it cannot be read, or is no Parquet with columns of the data set.
    """
    with _readable(path):
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not files:
            raise ScoringError(f"{path} holds no file *.parquet.")
        stamps, digest = _stamps(files), _digest(files)

        def is_unchanged() -> bool:
            return all(file.is_file() for file in files) and _stamps(files) == stamps

        with files[0].open("rb") as stream:
            is_parquet = path.is_dir() or stream.read(len(_PARQUET)) == _PARQUET
        if not is_parquet:
            return Source(str(path), digest, "line", lambda: _bytes_of(path), is_unchanged)
        header = _header_of(files)
        return Source(
            str(path), digest, "row", lambda: _parquet_pieces(files, header), is_unchanged, tuple(header.foreign)
        )


def read_records(source: Source, code_system: CodeSystem) -> Records:
    """Read the header and the first record of a source; the others as they are needed.

    Raises:
        ScoringError: the source cannot be read, its header is wrong, or it has no records. Also from the iterator.
    """
    file = FileReader(reserved=(), code_system=code_system)

    def texts() -> Iterator[tuple[int, str]]:
        with _readable(Path(source.name)):
            for piece in source.pieces():
                yield from file.feed(piece)
            yield from file.finish()

    remaining = texts()
    first = next(remaining, None)
    with _readable(Path(source.name)):
        reader = file.rows  # there is none without a header
    if first is None:
        raise ScoringError(f"{source.name} has a header, but no rows.")
    return Records(reader, chain([first], remaining), [*source.foreign, *reader.header.foreign])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Report errors of reading as a :class:`ScoringError`."""
    try:
        yield
    except FileError as error:
        place = f", line {error.line}" if error.line else ""
        raise ScoringError(f"{path}{place}: {error.message}.") from None
    except FileNotFoundError:
        raise ScoringError(
            f"{path} does not exist: give {TABLE}, or a CSV or Parquet file, or a folder of Parquet files."
        ) from None
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or ["damaged"])[0]
        raise ScoringError(f"{path} cannot be read: {reason.rstrip('.')}.") from error


def _stamps(files: list[Path]) -> list[tuple[int, int, int]]:
    return [(found.st_ino, found.st_size, found.st_mtime_ns) for found in (file.stat() for file in files)]


def _digest(files: list[Path]) -> str:
    """Hash of the content and the order of files; their names do not count."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _bytes_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


def _pages(connection: sa.Connection) -> Iterator[bytes]:
    """Pages of the table in the order of encounters; the header is that of the first."""
    last, is_first = 0, True
    while True:
        page = BytesIO()
        query = f'SELECT {_COLUMNS} FROM {TABLE} WHERE "{ENCOUNTER_ID}" > {last:d} ORDER BY "{ENCOUNTER_ID}"'  # noqa: S608
        copy_out(connection, f"{query} LIMIT {_PIECE_ROWS}", page.write)
        header, _, rows = page.getvalue().partition(b"\n")
        if is_first:
            yield header + b"\n"
        if not rows:
            return
        yield rows
        last, is_first = int(rows[rows[:-1].rfind(b"\n") + 1 :].partition(b",")[0]), False


def _header_of(files: list[Path]) -> Header:
    """The header of Parquet files, which have to have the same columns.

    Raises:
        ScoringError: they differ, a name is wrong, or diagnoses are numbers with decimals.
    """
    schema = pq.read_schema(files[0])
    try:
        header = read_header(_line(schema.names), 1, ",")
    except FileError as error:
        raise ScoringError(f"{files[0]}: {error.message}.") from None
    for file in files[1:]:
        if (others := pq.read_schema(file)).names != schema.names:
            differing = sorted({*others.names} ^ {*schema.names}) or ["their order"]
            raise ScoringError(f"{file.name} has other columns than {files[0].name}: {', '.join(differing)}.")
    for file in files:
        for kind, column in zip(pq.read_schema(file).types, header.columns, strict=True):
            if column and column.kind is Kind.ICD9 and pa.types.is_floating(kind):
                raise ScoringError(
                    f"{file.name}: {column.name} holds numbers ({kind}), which lose the zeros of codes such as "
                    "250.00: store the codes as text."
                )
    return header


def _line(names: list[str]) -> str:
    """Names as a line of CSV."""
    sink = StringIO()
    csv.writer(sink, lineterminator="").writerow(names)
    return sink.getvalue()


def _parquet_pieces(files: list[Path], header: Header) -> Iterator[bytes]:
    """The columns of the data set as CSV."""
    yield (",".join(header.known) + "\n").encode()
    places = [place for place, column in enumerate(header.columns) if column]
    for file in files:
        with pq.ParquetFile(file) as parquet:
            names = [parquet.schema_arrow.names[place] for place in places]
            for batch in parquet.iter_batches(_PIECE_ROWS, columns=names):
                texts = [_texts(batch.column(name), name) for name in names]
                yield _csv(pa.RecordBatch.from_arrays(texts, names=header.known))


def _texts(column: pa.Array, name: str) -> pa.Array:
    """Values as text; 3.0 is 3, and NaN is unknown."""
    try:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), None, column)
            is_whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less_equal(pc.abs(column), MAX_EXACT))
            column = column.cast(pa.int64()) if pc.all(is_whole).as_py() is not False else column
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ScoringError(f"Column {name} of type {column.type} cannot be read as text or numbers.") from error


def _csv(batch: pa.RecordBatch) -> bytes:
    """Rows as CSV without header; unquoted if no value needs it, which the reader splits several times faster."""
    for quoting in ("none", "needed"):
        sink = BytesIO()
        try:
            options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=quoting)
            pyarrow.csv.write_csv(batch, sink, options)
            break
        except pa.ArrowInvalid:
            if quoting == "needed":
                raise
    return sink.getvalue()
