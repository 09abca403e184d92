"""Training and test data out of PostgreSQL, with the version they have."""

import tempfile
from dataclasses import dataclass
from typing import Final

import pandas as pd
import sqlalchemy as sa

from ml.core.errors import NoDataError
from ml.features.tables import with_history
from ml.schema import COLUMN_NAMES, COLUMNS, ENCOUNTER_ID, Kind
from ml.warehouse.connection import copy_out, transaction
from ml.warehouse.tables import ingestions

TYPES: Final = {c.name: "int64" if c.kind is Kind.IDENTIFIER else "float32" if c.is_number else "str" for c in COLUMNS}
_SPILL_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataVersion:
    """Which data: the content hash of train and test rows, and whether they are real."""

    data_version: str
    provenance: str
    source: str
    train_rows: int
    test_rows: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Train and test encounters: texts (NA for unknown), float32 numbers, int64 identifiers.

    Each has the 50 columns of the data set and those of :data:`ml.schema.HISTORY`; a patient is wholly in one of the
    tables, so the past of every encounter is in its own.
    """

    version: DataVersion
    train: pd.DataFrame
    test: pd.DataFrame


def current_version(connection: sa.Connection) -> DataVersion:
    """The data version that training would use now.

    Raises:
        NoDataError: nothing has been ingested and split.
    """
    query = sa.select(ingestions).where(ingestions.c.data_version.is_not(None)).order_by(ingestions.c.id.desc())
    row = connection.execute(query.limit(1)).first()
    if row is None:
        raise NoDataError("There is no training data yet: run ingest_diabetes, or 'python -m ml ingest'.")
    return DataVersion(row.data_version, row.provenance, row.source, row.train_rows, row.test_rows)


def read(engine: sa.Engine) -> Dataset:
    """Read both tables and their version in one snapshot.

    Raises:
        NoDataError: nothing has been ingested and split.
        WarehouseError: PostgreSQL cannot be reached.
    """
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        version = current_version(connection)
        train, test = (_read_table(connection, table) for table in ("train_data", "test_data"))
    return Dataset(version, with_history(train), with_history(test))


def _read_table(connection: sa.Connection, table: str) -> pd.DataFrame:
    names = ", ".join(f'"{name}"' for name in COLUMN_NAMES)
    with tempfile.SpooledTemporaryFile(max_size=_SPILL_BYTES) as stream:
        copy_out(connection, f'SELECT {names} FROM {table} ORDER BY "{ENCOUNTER_ID}"', stream)  # noqa: S608
        stream.seek(0)
        return pd.read_csv(stream, dtype=TYPES, keep_default_na=False, na_values=[""])
