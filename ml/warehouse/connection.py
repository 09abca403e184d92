"""Connections to PostgreSQL, transactions, and COPY in both directions."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace
from typing import IO, Final

import psycopg2
import sqlalchemy as sa

from ml.core.errors import WarehouseError
from ml.core.settings import DatabaseSettings

log = logging.getLogger(__name__)

_DISK_FULL = "53100"
_LIMITS: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "options": "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}
"""Without keepalives a query waits two hours for the answer of a machine that has lost its power or its network, and
the server keeps the locks of such a machine as long."""


@contextmanager
def warehouse(settings: DatabaseSettings) -> Iterator[sa.Engine]:
    """Yield an engine for the ``diabetes`` database; its connections are closed at the end."""
    engine = sa.create_engine(settings.database_url, pool_pre_ping=True, connect_args=_LIMITS)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(engine: sa.Engine, *, isolation: str = "READ COMMITTED") -> Iterator[sa.Connection]:
    """Run one transaction.

    Raises:
        WarehouseError: PostgreSQL is unreachable, refuses the login, or has no tables.
    """
    try:
        with engine.connect().execution_options(isolation_level=isolation) as connection, connection.begin():
            yield connection
    except (sa.exc.OperationalError, sa.exc.InterfaceError, psycopg2.OperationalError) as error:
        # COPY raises errors of psycopg2, and so does the rollback of a connection that breaks during COPY.
        raise WarehouseError(_format(error, engine.url)) from error
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != "42P01":  # undefined_table
            raise
        raise WarehouseError("The diabetes database has no tables yet: run 'python -m ml migrate'.") from error


@contextmanager
def locked(engine: sa.Engine, key: str | int) -> Iterator[None]:
    """Wait for a lock that one process holds at a time, on any machine, until the context ends.

    Raises:
        WarehouseError: PostgreSQL is unreachable before the context begins.
    """
    is_done = False
    number = sa.func.hashtextextended(key, 0) if isinstance(key, str) else key
    try:
        with transaction(engine) as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
            yield
            is_done = True
    except WarehouseError as error:
        if not is_done:
            raise
        # A failure here would report work that is stored as failed, and make people repeat it.
        log.warning("The work under the lock %s is stored, but the lock was lost before it ended: %s", key, error)


def copy_in(connection: sa.Connection, table: str, columns: tuple[str, ...], stream: IO[bytes]) -> None:
    """COPY csv without header into a table; an empty field is NULL."""
    names = ", ".join(f'"{name}"' for name in columns)
    with closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv)", stream)


def copy_out(connection: sa.Connection, query: str, write: Callable[[bytes], object]) -> None:
    """COPY the rows of a query out as csv with header; NULL is an empty field."""
    with closing(connection.connection.cursor()) as cursor:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER)", SimpleNamespace(write=write))


def _format(error: sa.exc.DBAPIError | psycopg2.OperationalError, url: sa.URL) -> str:
    origin = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    text = str(origin).strip()
    if getattr(origin, "pgcode", None) == _DISK_FULL:
        return (
            f"The disk of PostgreSQL at {url.host}:{url.port} is full, and nothing was changed: free space, then retry."
        )
    if "password authentication failed" in text:
        return (
            f"PostgreSQL refuses DIABETES_DB_PASSWORD for role '{url.username}', because the database was created with "
            "another password: restore that secret, or delete the database volume and start again."
        )
    return f"PostgreSQL at {url.host}:{url.port} does not answer: {text.splitlines()[0] if text else error}"
