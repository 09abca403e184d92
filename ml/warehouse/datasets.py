"""Reads train and test data with their data version from PostgreSQL."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pandas as pd
import sqlalchemy as sa

from ml.core.errors import NoDataError
from ml.features.tables import with_history
from ml.schema import COLUMN_NAMES, COLUMNS, ENCOUNTER_ID, PATIENT_ID, Kind
from ml.warehouse.connection import copy_out, transaction
from ml.warehouse.tables import ingestions

log = logging.getLogger(__name__)

_OF_NUMBERS: Final = {Kind.IDENTIFIER: "int64", Kind.CODE: "float32", Kind.COUNT: "float32"}
DTYPES: Final[dict[str, Any]] = {
    c.name: _OF_NUMBERS.get(c.kind) or pd.CategoricalDtype(list(c.allowed) or None) for c in COLUMNS
}
"""A text is a category, of one or two bytes: of a diagnosis those that occur, else those of the schema."""
TEST_ROWS: Final = 250_000
"""Approximate maximum number of test encounters that are read: with so many, the interval of an AUROC is a few
thousandths wide."""
_SPILL_BYTES: Final = 64 * 1024 * 1024
_DIGEST: Final = f'sha256("{PATIENT_ID}"::text::bytea)'
_DRAW: Final = f"(get_byte({_DIGEST}, 3) << 16) + (get_byte({_DIGEST}, 4) << 8) + get_byte({_DIGEST}, 5)"
"""SQL for a number below 2 ** 24, fixed for each patient. :mod:`ml.data.split` uses the bytes before, so the split and
the sample are independent."""


@dataclass(frozen=True, slots=True)
class DataVersion:
    """A version of train and test data; ``data_version`` is their content hash."""

    data_version: str
    provenance: str
    source: str
    train_rows: int
    test_rows: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Train and test encounters: the 50 columns and those of :data:`ml.schema.HISTORY`.

    The types are :data:`DTYPES`; unknown is NA. A patient is in one table only, with all earlier encounters. If there
    are more than :data:`TEST_ROWS` test encounters, ``test`` has those of patients drawn by a hash of their number.
    """

    version: DataVersion
    train: pd.DataFrame
    test: pd.DataFrame


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


def read(engine: sa.Engine) -> Dataset:
    """Read both tables and their version in one transaction.

    Raises:
        NoDataError: nothing has been ingested and split.
        WarehouseError: PostgreSQL is unreachable.
    """
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        version = current_version(connection)
        train = _read_table(connection, "train_data")
        test = _read_table(connection, "test_data", share=TEST_ROWS / max(version.test_rows, 1))
    if len(test) < version.test_rows:
        log.info("%s of %s test encounters, of patients drawn at random", f"{len(test):,}", f"{version.test_rows:,}")
    return Dataset(version, with_history(train), with_history(test))


def _read_table(connection: sa.Connection, table: str, share: float = 1) -> pd.DataFrame:
    """The encounters of this share of the patients."""
    patients = f"WHERE {_DRAW} < {int(share * 2**24)}" if share < 1 else ""
    names = ", ".join(f'"{name}"' for name in COLUMN_NAMES)
    with tempfile.SpooledTemporaryFile(max_size=_SPILL_BYTES) as stream:
        copy_out(connection, f'SELECT {names} FROM {table} {patients} ORDER BY "{ENCOUNTER_ID}"', stream.write)  # noqa: S608
        stream.seek(0)
        return parse_rows(stream, header=0)


def parse_rows(file: Path | IO[bytes], header: int | None) -> pd.DataFrame:
    """Parse csv of the 50 columns as PostgreSQL's COPY writes it; ``header`` is the line to skip."""
    names = list(COLUMN_NAMES)
    return pd.read_csv(file, header=header, names=names, dtype=DTYPES, keep_default_na=False, na_values=[""])
