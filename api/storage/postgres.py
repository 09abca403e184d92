"""PostgreSQL queries with a deadline, behind a circuit breaker.

A blocking client can wait without end for a frozen server that keeps its connection open. This client uses psycopg2's
asynchronous connections and polls them itself, so the deadline covers connecting and querying.
"""

import asyncio
import logging
import select
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from math import ceil
from time import monotonic
from typing import Any, Final

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ

from api.settings import ApiSettings
from api.storage.circuit_breaker import CircuitBreaker
from ml.core.names import API_ROLE
from ml.core.settings import secrets_folder

logger = logging.getLogger(__name__)

COOLDOWN_SECONDS: Final = 5.0
_GRACE_SECONDS: Final = 0.05
"""A thread keeps its deadline by itself, except while it resolves a host name: then its caller stops waiting."""

_TOO_SLOW: Final = "PostgreSQL did not answer in time"

Row = tuple[Any, ...]


class DatabaseUnavailableError(Exception):
    """PostgreSQL failed or missed the deadline, or the circuit breaker is open."""


class PostgresClient:
    """Runs queries in a few threads, over connections that stay open. Thread-safe."""

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        self._options = options
        self._name = options["application_name"]
        self._idle: list[Any] = []
        self._breaker = CircuitBreaker(COOLDOWN_SECONDS)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=self._name)

    async def fetch(self, query: str, values: Sequence[Any], seconds: float) -> list[Row]:
        """Run one or more statements in one transaction without blocking the event loop; returns the last one's rows.

        They may run twice, and commit by themselves.

        Raises:
            DatabaseUnavailableError: there are no rows within the time limit.
        """
        running = asyncio.wrap_future(self._submit(query, values, seconds))
        done, _ = await asyncio.wait([running], timeout=seconds + _GRACE_SECONDS)
        if not done:
            running.cancel()
            raise self._failure(_TOO_SLOW)
        return running.result()

    def fetch_blocking(self, query: str, values: Sequence[Any], seconds: float) -> list[Row]:
        """The same as :meth:`fetch`, for threads that may wait."""
        running = self._submit(query, values, seconds)
        if not wait([running], timeout=seconds + _GRACE_SECONDS).done:
            running.cancel()
            raise self._failure(_TOO_SLOW)
        return running.result()

    def close(self) -> None:
        """Stop the threads and close the idle connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._close_idle()

    def _submit(self, query: str, values: Sequence[Any], seconds: float) -> Future[list[Row]]:
        if not self._breaker.allows():
            raise DatabaseUnavailableError("PostgreSQL failed a moment ago")
        return self._pool.submit(self._run, query, values, monotonic() + seconds)

    def _run(self, query: str, values: Sequence[Any], deadline: float) -> list[Row]:
        try:
            rows = self._query(query, values, deadline)
        except (psycopg2.Error, OSError) as error:
            raise self._failure(first_line(error)) from error
        if self._breaker.record_success():
            logger.info("%s: PostgreSQL is available again", self._name)
        return rows

    def _failure(self, reason: str) -> DatabaseUnavailableError:
        if self._breaker.record_failure():
            logger.warning("%s: PostgreSQL is unavailable: %s", self._name, reason)
        return DatabaseUnavailableError(reason)

    def _query(self, query: str, values: Sequence[Any], deadline: float) -> list[Row]:
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._execute(self._connect(deadline), query, values, deadline)
        try:
            return self._execute(connection, query, values, deadline)
        except psycopg2.OperationalError:
            # The server was restarted while the connection was idle, so the other idle ones are broken too.
            self._close_idle()
            return self._execute(self._connect(deadline), query, values, deadline)

    def _connect(self, deadline: float) -> Any:
        connection = connect(self._options, async_=1)
        try:
            _poll(connection, deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def _execute(self, connection: Any, query: str, values: Sequence[Any], deadline: float) -> list[Row]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                _poll(connection, deadline)
                rows: list[Row] = cursor.fetchall()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return rows

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def connection_options(settings: ApiSettings, name: str, seconds: float, flags: str = "") -> dict[str, Any]:
    """psycopg2's arguments for the ``diabetes`` database.

    ``seconds`` limits each statement on the server and each unacknowledged packet.
    """
    milliseconds = ceil(1000 * seconds)
    return {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "dbname": settings.diabetes_db_name,
        "user": API_ROLE,
        "password": _password_reader(settings.api_db_password.get_secret_value()),
        "connect_timeout": 5,
        # Else a COPY waits two hours for the answer of a machine that has lost its power or its network.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "options": f"-c statement_timeout={milliseconds} {flags}",
        "tcp_user_timeout": milliseconds,
        "application_name": name,
    }


def connect(options: Mapping[str, Any], **further: Any) -> Any:
    """Connect with the options of :func:`connection_options`."""
    return psycopg2.connect(**{**options, "password": options["password"]()}, **further)


def _password_reader(at_start: str) -> Callable[[], str]:
    """A function that reads the password again where it is in a file, which a rotation replaces while this runs."""
    file = secrets_folder() / "api_db_password"
    if not file.is_file() or file.read_text().strip() != at_start:  # it is in the environment
        return lambda: at_start
    return lambda: file.read_text().strip()


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _poll(connection: Any, deadline: float) -> None:
    """Poll until the server has finished the current operation."""
    while (state := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        remaining = deadline - monotonic()
        if remaining <= 0 or not poller.poll(remaining * 1000):
            raise TimeoutError(_TOO_SLOW)
