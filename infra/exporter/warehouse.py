"""What the ``diabetes`` database says of ingestion, gate and monitoring, read by a role that may read just that."""

import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg2
from psycopg2 import extensions

from infra.exporter.client import ReadError
from infra.exporter.settings import ExporterSettings

ROLE: Final = "monitor"

_INGESTION: Final = "SELECT ingested_at, rows_accepted, rows_rejected FROM ingestions ORDER BY id DESC LIMIT 1"
_DATA_VERSION: Final = """
    SELECT min(ingested_at) FROM ingestions WHERE data_version =
        (SELECT data_version FROM ingestions WHERE data_version IS NOT NULL ORDER BY id DESC LIMIT 1)
"""
_GATE: Final = "SELECT action, count(*) FROM gate_decisions GROUP BY action ORDER BY action"
_RUN: Final = "SELECT id, finished_at, predictions, state FROM monitor_runs ORDER BY id DESC LIMIT 1"
_DRIFT: Final = """
    SELECT kind, feature, state, distance, threshold FROM monitor_drift
    WHERE run_id = (SELECT max(id) FROM monitor_runs) ORDER BY kind, feature
"""
# A run of the monitoring writes what it finds of drift first, so the newest run may have no quality yet.
_QUALITY: Final = """
    SELECT model_version, subgroup, metric, estimated, value, low, high, records, coverage FROM monitor_quality
    WHERE run_id = (SELECT max(run_id) FROM monitor_quality) ORDER BY model_version, subgroup, metric, estimated
"""


class Run(NamedTuple):
    """The newest run of the monitoring."""

    number: int
    finished_at: datetime
    predictions: int
    state: str


class Drift(NamedTuple):
    """One of its tests."""

    kind: str
    feature: str
    state: str
    distance: float | None
    threshold: float | None


class Quality(NamedTuple):
    """A metric of a subgroup: realised, or estimated from probabilities alone."""

    model_version: str
    subgroup: str
    metric: str
    estimated: bool
    value: float | None
    low: float | None
    high: float | None
    records: int
    coverage: float


@dataclass
class WarehouseReading:
    """One look at the database. `up` means that it answered; what could not be read, or is not there, stays empty."""

    up: bool = False
    ingested_at: datetime | None = None
    rows: dict[str, int] = field(default_factory=dict)
    data_version_at: datetime | None = None
    gate: dict[str, int] = field(default_factory=dict)
    run: Run | None = None
    drift: Sequence[Drift] = ()
    quality: Sequence[Quality] = ()
    error: str | None = None


class WarehouseReader:
    """Reads over a connection of its own for each look: nothing is kept that could break in between."""

    def __init__(self, login: Mapping[str, Any], budget_seconds: float) -> None:
        self._login = login
        self._budget = budget_seconds

    @classmethod
    def of(cls, settings: ExporterSettings) -> "WarehouseReader":
        """As the settings say."""
        login = {
            "host": settings.postgres_host,
            "port": settings.postgres_port,
            "dbname": settings.diabetes_db_name,
            "user": ROLE,
            "password": settings.postgres_monitor_password.get_secret_value(),
            "application_name": "exporter",
        }
        return cls(login, settings.exporter_timeout_seconds)

    def read(self) -> WarehouseReading:
        """Look once; never raises, and keeps what was read before a failure."""
        reading = WarehouseReading()
        session = _Session(time.monotonic() + self._budget)
        try:
            session.open(self._login)
            reading.up = True
            _read(session, reading)
        except (psycopg2.Error, ReadError) as error:
            reading.error = " ".join(str(error).split()) or type(error).__name__
        finally:
            session.close()
        return reading


def _read(session: "_Session", reading: WarehouseReading) -> None:
    for ingested_at, accepted, rejected in session.rows(_INGESTION):
        reading.ingested_at, reading.rows = ingested_at, {"accepted": accepted, "rejected": rejected}
    ((reading.data_version_at,),) = session.rows(_DATA_VERSION)
    reading.gate = dict(session.rows(_GATE))
    reading.run = next((Run(*row) for row in session.rows(_RUN)), None)
    reading.drift = [Drift(*row) for row in session.rows(_DRIFT)]
    reading.quality = [Quality(*row) for row in session.rows(_QUALITY)]


class _Session:
    """A connection whose every step ends at a deadline, also where the server hangs and no timeout of its own helps."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._connection: Any = None

    def open(self, login: Mapping[str, Any]) -> None:
        """Connect, and begin to read one state of the database."""
        self._connection = psycopg2.connect(**login, async_=True)
        self._wait()
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._execute(query) as cursor:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def close(self) -> None:
        """End it; the server rolls back."""
        if self._connection is not None:
            self._connection.close()

    def _execute(self, statement: str) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(statement)
        self._wait()
        return cursor

    def _wait(self) -> None:
        while (state := self._connection.poll()) != extensions.POLL_OK:
            left = self._deadline - time.monotonic()
            places = [self._connection.fileno()]
            reading, writing = (places, []) if state == extensions.POLL_READ else ([], places)
            if left <= 0 or not any(select.select(reading, writing, [], left)):
                raise ReadError("no time was left: the database answers too slowly")
