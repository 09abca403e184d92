"""Reads train and test data with their data version from PostgreSQL."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pandas as pd
import sqlalchemy as sa

from ml.core.errors import NoDataError, StaleInputError
from ml.core.settings import DatabaseSettings
from ml.features.tables import Parts, with_history
from ml.schema import COLUMN_NAMES, COLUMNS, ENCOUNTER_ID, Kind
from ml.warehouse.connection import copy_out, transaction, warehouse
from ml.warehouse.tables import DRAW, ingestions

log = logging.getLogger(__name__)

_OF_NUMBERS: Final = {Kind.IDENTIFIER: "int64", Kind.CODE: "float32", Kind.COUNT: "float32"}
DTYPES: Final[dict[str, Any]] = {
    c.name: _OF_NUMBERS.get(c.kind) or pd.CategoricalDtype(list(c.allowed) or None) for c in COLUMNS
}
"""A text is a category, of one or two bytes: of a diagnosis those that occur, else those of the schema."""
SAMPLE_ROWS: Final = 250_000
"""Approximate maximum number of encounters that are read to describe the data or to evaluate: with so many, the
interval of an AUROC is a few thousandths wide."""
PART_ROWS: Final = 100_000
"""Approximate number of encounters in a part of the training data; the genuine data set is one part."""
_SPILL_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataVersion:
    """A version of train and test data; ``data_version`` is their content hash."""

    data_version: str
    provenance: str
    source: str
    train_rows: int
    test_rows: int


class TrainingParts:
    """The training encounters with history in parts, each of which is read from PostgreSQL when it is asked for.

    The types are :data:`DTYPES`. All encounters of a patient are in one part. A copy of another process opens a
    connection of its own, with the settings there.
    """

    def __init__(self, engine: sa.Engine, version: DataVersion) -> None:
        self._engine: sa.Engine | None = engine
        self._version = version
        self._count = -(-version.train_rows // PART_ROWS)

    def __len__(self) -> int:
        """Number of parts."""
        return self._count

    def __getitem__(self, number: int, /) -> pd.DataFrame:
        """Read the part of a number from 0.

        Raises:
            StaleInputError: the data were changed since.
            WarehouseError: PostgreSQL is unreachable.
        """
        with self._opened() as engine, transaction(engine, isolation="REPEATABLE READ") as connection:
            if current_version(connection).data_version != self._version.data_version:
                raise StaleInputError("The training data were changed while a model was trained on them: train again.")
            return with_history(_read_table(connection, "train_data", number / self._count, (number + 1) / self._count))

    @contextmanager
    def _opened(self) -> Iterator[sa.Engine]:
        if self._engine is not None:
            yield self._engine
            return
        with warehouse(DatabaseSettings.load()) as engine:
            yield engine

    def __getstate__(self) -> dict[str, Any]:
        """Without the connection."""
        return {**vars(self), "_engine": None}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Train and test encounters: the 50 columns and those of :data:`ml.schema.HISTORY`.

    The types are :data:`DTYPES`; unknown is NA. A patient is in one table only, with all earlier encounters. If a table
    has more than :data:`SAMPLE_ROWS` encounters, ``train`` or ``test`` has those of patients drawn by a hash of their
    number. ``parts`` has all training encounters.
    """

    version: DataVersion
    train: pd.DataFrame
    test: pd.DataFrame
    parts: Parts


def current_version(connection: sa.Connection) -> DataVersion:
    """The newest data version.

    Raises:
        NoDataError: nothing has been ingested and split.
    """
    query = sa.select(ingestions).where(ingestions.c.data_version.is_not(None)).order_by(ingestions.c.id.desc())
    row = connection.execute(query.limit(1)).first()
    if row is None:
        raise NoDataError("There is no training data yet: run ingest_diabetes, or 'python -m ml ingest'.")
    return DataVersion(row.data_version, row.provenance, row.source, row.train_rows, row.test_rows)


def read(engine: sa.Engine, most_rows: int = SAMPLE_ROWS) -> Dataset:
    """Read at most about ``most_rows`` encounters of each table, and their version, in one transaction.

    Raises:
        NoDataError: nothing has been ingested and split.
        WarehouseError: PostgreSQL is unreachable.
    """
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        version = current_version(connection)
        sizes = {"train_data": version.train_rows, "test_data": version.test_rows}
        train, test = (_read_table(connection, table, 0, most_rows / max(rows, 1)) for table, rows in sizes.items())
    for table, (name, rows) in zip((train, test), sizes.items(), strict=True):
        if len(table) < rows:
            log.info("%s: %s of %s encounters, of patients drawn at random", name, f"{len(table):,}", f"{rows:,}")
    train, test = with_history(train), with_history(test)
    parts = TrainingParts(engine, version)
    return Dataset(version, train, test, [train] if len(parts) == 1 else parts)


def _read_table(connection: sa.Connection, table: str, start: float, end: float) -> pd.DataFrame:
    """Read the encounters of the patients whose draws, as shares of 2 ** 24, are in ``[start, end)``."""
    limits = f"WHERE {DRAW} >= {int(start * 2**24)} AND {DRAW} < {int(end * 2**24)}" if start > 0 or end < 1 else ""
    names = ", ".join(f'"{name}"' for name in COLUMN_NAMES)
    with tempfile.SpooledTemporaryFile(max_size=_SPILL_BYTES) as stream:
        copy_out(connection, f'SELECT {names} FROM {table} {limits} ORDER BY "{ENCOUNTER_ID}"', stream.write)  # noqa: S608
        stream.seek(0)
        return parse_rows(stream, header=0)


def parse_rows(file: Path | IO[bytes], header: int | None) -> pd.DataFrame:
    """Parse csv of the 50 columns as PostgreSQL's COPY writes it; ``header`` is the line to skip."""
    names = list(COLUMN_NAMES)
    return pd.read_csv(file, header=header, names=names, dtype=DTYPES, keep_default_na=False, na_values=[""])
