"""Encounters of patients out of PostgreSQL, within a deadline that not even a frozen server can stretch.

A blocking client may wait for ever for a server that holds the connection and says nothing. This one uses
psycopg2's asynchronous connections and does the waiting itself, so the deadline holds for connecting and asking.
"""

import select
from collections.abc import Collection, Mapping
from time import monotonic
from typing import Any, Final

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ

from ml.history import PAST
from ml.schema import CANNOT_BE_READMITTED, ENCOUNTER_ID, PATIENT_ID

Encounter = Mapping[str, Any]

_COLUMNS: Final = tuple(dict.fromkeys((ENCOUNTER_ID, "discharge_disposition_id", *PAST)))
_QUERY: Final = (
    f"SELECT {PATIENT_ID}, {', '.join(_COLUMNS)} FROM raw_data "  # noqa: S608  names of the schema
    f"WHERE {PATIENT_ID} = ANY(%s::bigint[]) ORDER BY {ENCOUNTER_ID}"
)


class EncounterReader:
    """Reads encounters over a few connections that stay open. Safe to call from several threads."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._options = connection
        self._idle: list[Any] = []

    def read(self, patients: Collection[int], deadline: float) -> dict[int, tuple[Encounter, ...]]:
        """All encounters of some patients, whatever their end, oldest first; of an unknown patient none.

        Args:
            patients: their numbers.
            deadline: on the clock of :func:`time.monotonic`.

        Raises:
            psycopg2.Error: PostgreSQL cannot be reached, or refuses.
            TimeoutError: the deadline has passed.
        """
        rows = self._fetch(list(patients), deadline)
        found: dict[int, list[Encounter]] = {patient: [] for patient in patients}
        for patient, *values in rows:
            found[patient].append(dict(zip(_COLUMNS, values, strict=True)))
        return {patient: tuple(encounters) for patient, encounters in found.items()}

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _fetch(self, patients: list[int], deadline: float) -> list[tuple[Any, ...]]:
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._ask(self._connect(deadline), patients, deadline)
        try:
            return self._ask(connection, patients, deadline)
        except psycopg2.OperationalError:
            # It lay idle while the server was restarted; so did the others. A new one tells how things are now.
            self.close()
            return self._ask(self._connect(deadline), patients, deadline)

    def _connect(self, deadline: float) -> Any:
        connection = psycopg2.connect(**self._options, async_=1)
        try:
            _wait(connection, deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def _ask(self, connection: Any, patients: list[int], deadline: float) -> list[tuple[Any, ...]]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(_QUERY, (patients,))
                _wait(connection, deadline)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return rows


def in_cohort(encounter: Encounter) -> bool:
    """Whether a readmission could follow; models are trained on the history of such encounters only."""
    return encounter["discharge_disposition_id"] not in CANNOT_BE_READMITTED


def _wait(connection: Any, deadline: float) -> None:
    """Wait until the server has done what it was asked."""
    while (state := connection.poll()) != POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        left = deadline - monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise TimeoutError("PostgreSQL did not answer in time")
