"""The schema ``staging``: what the tasks of an ingestion hand on, so that each of them can run on any worker.

A delivery is a row of ``staging.deliveries`` and up to three tables that have its id in their names. They are unlogged,
so they cost no WAL, and a crash of PostgreSQL empties them. The load drops them.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from ml.core.errors import StaleInputError
from ml.data.validation import REJECTED_COLUMNS, Validated
from ml.warehouse.connection import copy_in, transaction
from ml.warehouse.tables import rejected_rows, train_data

DAYS_KEPT: Final = 2
"""Age at which a delivery that was not loaded is deleted, by a later ingestion or by ``retain_diabetes``."""

Content = Literal["file", "encounters", "rejected"]

_COLUMNS: Final[dict[Content, list[tuple[str, sa.types.TypeEngine[Any]]]]] = {
    "file": [("part", sa.Integer()), ("content", sa.LargeBinary())],
    "encounters": [(column.name, column.type) for column in train_data.c],
    "rejected": [(name, rejected_rows.c[name].type) for name in REJECTED_COLUMNS],
}


@dataclass(frozen=True, slots=True)
class StagedRows(Validated):
    """Validated rows in the tables of a delivery."""

    staging_id: int


@dataclass(frozen=True, slots=True)
class Stage:
    """The tables of one delivery, within a transaction."""

    connection: sa.Connection
    id: int

    def table(self, content: Content) -> sa.Table:
        """The table of this content."""
        columns = [sa.Column(name, kind) for name, kind in _COLUMNS[content]]
        name = f"{content}_{self.id}"
        return sa.Table(name, sa.MetaData(), *columns, schema="staging", prefixes=["UNLOGGED"])

    def create(self, content: Content) -> None:
        """Create a table, in place of that of an earlier try."""
        self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self.table(content).fullname}")
        self.table(content).create(self.connection, checkfirst=False)

    def copy(self, content: Content, rows: bytes) -> None:
        """Append csv without header to a table, by COPY."""
        names = tuple(name for name, _ in _COLUMNS[content])
        copy_in(self.connection, self.table(content).fullname, names, io.BytesIO(rows))

    def claim(self) -> None:
        """Keep other transactions from dropping the tables until this one ends.

        Raises:
            StaleInputError: they were dropped.
        """
        found = self.connection.exec_driver_sql("SELECT FROM staging.deliveries WHERE id = %s FOR UPDATE", (self.id,))
        if found.first() is None:
            raise stale_input()

    def drop(self) -> None:
        """Drop the tables of the delivery and its row."""
        self.connection.exec_driver_sql("DELETE FROM staging.deliveries WHERE id = %s", (self.id,))
        names = ", ".join(self.table(content).fullname for content in _COLUMNS)
        self.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {names}")


@contextmanager
def staging(engine: sa.Engine, staging_id: int | None = None) -> Iterator[Stage]:
    """One transaction on the tables of a delivery; without an id, of a new one, after deliveries that are too old.

    Raises:
        StaleInputError: the tables of this id were dropped.
        WarehouseError: PostgreSQL is unreachable; nothing was changed.
    """
    if staging_id is None:
        drop_expired(engine)
    with transaction(engine) as connection:
        if staging_id is None:
            insert = "INSERT INTO staging.deliveries DEFAULT VALUES RETURNING id"
            stage = Stage(connection, int(connection.exec_driver_sql(insert).scalar_one()))
        else:
            stage = Stage(connection, staging_id)
            stage.claim()
        yield stage


def stale_input() -> StaleInputError:
    """The error of a task whose input was dropped, or emptied by a crash of PostgreSQL."""
    return StaleInputError(
        "The input of this ingestion does not exist any more; it is deleted once it is loaded, after "
        f"{DAYS_KEPT} days, and when PostgreSQL crashes: clear download_data with the tasks after it, or start a new "
        "run of ingest_diabetes."
    )


def drop_expired(engine: sa.Engine) -> None:
    """Delete what interrupted ingestions have left, in a transaction for which no other ingestion waits.

    Raises:
        WarehouseError: PostgreSQL is unreachable.
    """
    expired = (
        "SELECT id FROM staging.deliveries WHERE created_at < now() - make_interval(days => %s) "
        "FOR UPDATE SKIP LOCKED"  # a locked one is in use
    )
    with transaction(engine) as connection:
        for staging_id in connection.exec_driver_sql(expired, (DAYS_KEPT,)).scalars().all():
            Stage(connection, staging_id).drop()
