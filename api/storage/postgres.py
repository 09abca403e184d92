"""Questions to PostgreSQL, within a deadline that not even a frozen server can stretch.

A blocking client may wait for ever for a server that holds the connection and says nothing. This one uses psycopg2's
asynchronous connections and does the waiting itself, so the deadline holds for connecting and asking.
"""

import select
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ

Row = tuple[Any, ...]


class Postgres:
    """Asks over a few connections that stay open. Safe to call from several threads."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._options = connection
        self._idle: list[Any] = []

    def ask(self, query: str, values: Sequence[Any], deadline: float) -> list[Row]:
        """The rows that a query gives. It may be asked twice, and commits by itself.

        Args:
            query: one or more statements, which are one transaction; the last one gives the rows.
            values: of its placeholders.
            deadline: on the clock of :func:`time.monotonic`.

        Raises:
            psycopg2.Error: PostgreSQL cannot be reached, or refuses.
            TimeoutError: the deadline has passed.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self._connect(deadline), query, values, deadline)
        try:
            return self._ask(connection, query, values, deadline)
        except psycopg2.OperationalError:
            # It lay idle while the server was restarted; so did the others. A new one tells how things are now.
            self.close()
            return self._ask(self._connect(deadline), query, values, deadline)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self, deadline: float) -> Any:
        connection = psycopg2.connect(**self._options, async_=1)
        try:
            _wait(connection, deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def _ask(self, connection: Any, query: str, values: Sequence[Any], deadline: float) -> list[Row]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                _wait(connection, deadline)
                rows: list[Row] = cursor.fetchall()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return rows


def _wait(connection: Any, deadline: float) -> None:
    """Wait until the server has done what it was asked."""
    while (state := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        left = deadline - monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise TimeoutError("PostgreSQL did not answer in time")
