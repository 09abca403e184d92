"""Connections to PostgreSQL, and its COPY: the only way tables go in and out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

import psycopg2
import sqlalchemy as sa

from ml.core.errors import WarehouseError
from ml.core.settings import DatabaseSettings


class Sink(Protocol):
    """What COPY writes to."""

    def write(self, block: bytes, /) -> object:
        """Take the next bytes."""


@contextmanager
def warehouse(settings: DatabaseSettings) -> Iterator[sa.Engine]:
    """An engine for the ``diabetes`` database; its connections are closed with the context."""
    engine = sa.create_engine(settings.database_url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(engine: sa.Engine, *, isolation: str = "READ COMMITTED") -> Iterator[sa.Connection]:
    """One transaction: all of it, or nothing.

    Raises:
        WarehouseError: PostgreSQL cannot be reached, refuses the login, or has not been migrated.
    """
    try:
        with engine.connect().execution_options(isolation_level=isolation) as connection, connection.begin():
            yield connection
    except (sa.exc.OperationalError, sa.exc.InterfaceError, psycopg2.OperationalError) as error:
        # COPY bypasses SQLAlchemy and its errors; a connection that breaks in it cannot be rolled back either.
        raise WarehouseError(_explain(error, engine.url)) from error
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != "42P01":  # undefined_table
            raise
        raise WarehouseError("The diabetes database has no tables yet: run 'python -m ml migrate'.") from error


def copy_in(connection: sa.Connection, table: str, columns: tuple[str, ...], stream: IO[bytes]) -> None:
    """COPY csv without header into a table; the empty field is NULL."""
    names = ", ".join(f'"{name}"' for name in columns)
    with _cursor(connection) as cursor:
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv)", stream)


def copy_out(connection: sa.Connection, query: str, stream: Sink) -> None:
    """COPY the rows of a query out as csv with header; NULL is the empty field."""
    with _cursor(connection) as cursor:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER)", stream)


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[sa.engine.interfaces.DBAPICursor]:
    cursor = connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def _explain(error: sa.exc.DBAPIError | psycopg2.OperationalError, url: sa.URL) -> str:
    text = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).strip()
    if "password authentication failed" in text:
        return (
            f"PostgreSQL refuses DIABETES_DB_PASSWORD for role '{url.username}': it is not the one the database was "
            "created with; restore that secret, or remove the database's volume to start afresh."
        )
    return f"PostgreSQL at {url.host}:{url.port} does not answer: {text.splitlines()[0] if text else error}"
