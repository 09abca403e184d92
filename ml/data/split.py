"""Splits patients into train and test by a hash, so the assignment never changes as data are added."""

import hashlib
import logging
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from ml.core.errors import NoDataError, SplitError
from ml.data.load import lock
from ml.schema import CANNOT_BE_READMITTED, COLUMN_NAMES, ENCOUNTER_ID, PATIENT_ID
from ml.warehouse.connection import copy_out, transaction
from ml.warehouse.tables import DRAW, ingestions, test_data, train_data

log = logging.getLogger(__name__)

TEST_PERCENT: Final = 20

_COLUMNS: Final = ", ".join(f'"{name}"' for name in COLUMN_NAMES)
_DIGEST: Final = f'sha256("{PATIENT_ID}"::text::bytea)'
_BUCKET: Final = f"mod((get_byte({_DIGEST}, 0) << 16) + (get_byte({_DIGEST}, 1) << 8) + get_byte({_DIGEST}, 2), 100)"
"""SQL equivalent of :func:`bucket`."""


@dataclass(frozen=True, slots=True)
class Split:
    """Result of a split. ``new`` is False if train and test data already had this version."""

    data_version: str
    provenance: str
    train_rows: int
    test_rows: int
    new: bool


def bucket(patient: int) -> int:
    """Bucket 0 to 99 of a patient: the first three bytes of the SHA-256 of the decimal digits, modulo 100.

    Buckets below :data:`TEST_PERCENT` are test data.
    """
    return int.from_bytes(hashlib.sha256(str(patient).encode()).digest()[:3]) % 100


def split(engine: sa.Engine) -> Split:
    """Rebuild ``train_data`` and ``test_data`` from ``raw_data`` in one transaction, if encounters or rule are new.

    Deaths and discharges to hospice are excluded, because they cannot be readmitted.

    Raises:
        NoDataError: nothing has been ingested.
        SplitError: a patient is in both tables; nothing was changed.
    """
    with transaction(engine) as connection:
        lock(connection)
        latest = connection.execute(sa.select(ingestions).order_by(ingestions.c.id.desc()).limit(1)).first()
        if latest is None:
            raise NoDataError("There are no encounters yet: run ingest_diabetes, or 'python -m ml ingest'.")
        present, conditions = latest.data_version, _conditions()
        rule = " | ".join(conditions.values())
        if present and latest.split_rule == rule:
            log.info("Nothing new: train and test data are of version %s", present[:12])
            return Split(present, latest.provenance, latest.train_rows, latest.test_rows, new=False)
        train_rows, test_rows = (_fill(connection, table, condition) for table, condition in conditions.items())
        check_disjoint(connection)
        version = data_version(connection)
        connection.execute(
            ingestions.update()
            .where(ingestions.c.id == latest.id)
            .values(data_version=version, split_rule=rule, train_rows=train_rows, test_rows=test_rows)
        )
    log.info("Data version %s: %s train rows, %s test rows", version[:12], f"{train_rows:,}", f"{test_rows:,}")
    return Split(version, latest.provenance, train_rows, test_rows, new=version != present)


def check_disjoint(connection: sa.Connection) -> None:
    """Verify that no patient is in both tables.

    Raises:
        SplitError: with the number of such patients.
    """
    in_train, in_test = (sa.select(table.c[PATIENT_ID]) for table in (train_data, test_data))
    shared = connection.scalar(sa.select(sa.func.count()).select_from(in_train.intersect(in_test).subquery()))
    if shared:
        raise SplitError(f"{shared} patients are in both train_data and test_data; nothing was changed.")


def data_version(connection: sa.Connection) -> str:
    """SHA-256 of the rows of both tables in the order of encounters."""
    digest = hashlib.sha256()
    for table in ("train_data", "test_data"):
        copy_out(connection, f'SELECT {_COLUMNS} FROM {table} ORDER BY "{ENCOUNTER_ID}"', digest.update)  # noqa: S608
    return digest.hexdigest()


def _conditions() -> dict[str, str]:
    """The SQL condition of the rows of each table. Together they are the rule, which is stored with the split."""
    excluded = ", ".join(str(code) for code in sorted(CANNOT_BE_READMITTED))
    in_cohort = f"discharge_disposition_id NOT IN ({excluded})" if excluded else "true"
    return {
        "train_data": f"{in_cohort} AND {_BUCKET} >= {TEST_PERCENT}",
        "test_data": f"{in_cohort} AND {_BUCKET} < {TEST_PERCENT}",
    }


def _fill(connection: sa.Connection, table: str, condition: str) -> int:
    connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  unlike TRUNCATE, does not block readers
    # The rows of a part of the training data are beside each other, so that it is read without the others.
    query = f"SELECT {_COLUMNS} FROM raw_data WHERE {condition} ORDER BY {DRAW}"  # noqa: S608  of the schema
    result = connection.exec_driver_sql(f"INSERT INTO {table} ({_COLUMNS}) {query}")
    connection.exec_driver_sql(f"ANALYZE {table}")
    return int(result.rowcount)
