"""Reads ingestions, gate decisions and monitoring results from the diabetes database, as the role ``monitor``."""

import select
import time
from collections.abc import Mapping
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from infra.exporter.metrics import Metrics

ROLE: Final = "monitor"
STATES: Final = {"ok": 0, "drift": 1, "not_enough_data": -1}

_INGESTION: Final = "SELECT ingested_at, rows_accepted, rows_rejected FROM ingestions ORDER BY id DESC LIMIT 1"
_DATA_VERSION: Final = """
    SELECT min(ingested_at) FROM ingestions WHERE data_version =
        (SELECT data_version FROM ingestions WHERE data_version IS NOT NULL ORDER BY id DESC LIMIT 1)
"""
_GATE: Final = "SELECT action, count(*) FROM gate_decisions GROUP BY action ORDER BY action"
_DECIDED: Final = """
    SELECT version FROM gate_decisions WHERE action IN ('promoted', 'rolled_back') AND completed_at IS NOT NULL
    ORDER BY id DESC LIMIT 1
"""
_DELETED: Final = """
    SELECT kind, sum(number::bigint) FROM deletions, jsonb_each_text(counts) AS one(kind, number)
    GROUP BY kind ORDER BY kind
"""
_FREED: Final = "SELECT coalesce(sum(freed_bytes), 0) FROM deletions"
_RUN: Final = "SELECT finished_at, predictions, state FROM monitor_runs ORDER BY id DESC LIMIT 1"
_DRIFT: Final = """
    SELECT kind, feature, state, distance, threshold FROM monitor_drift
    WHERE run_id = (SELECT max(id) FROM monitor_runs) ORDER BY kind, feature
"""
# A monitoring run writes drift before quality, so the newest run may not have quality yet.
_QUALITY: Final = """
    SELECT model_version, subgroup, metric, estimated, value, low, high, records, coverage FROM monitor_quality
    WHERE run_id = (SELECT max(run_id) FROM monitor_quality) ORDER BY model_version, subgroup, metric, estimated
"""


class WarehouseReader:
    """Opens one connection per read, so no connection can break between two scrapes."""

    def __init__(self, login: Mapping[str, Any], budget_seconds: float) -> None:
        self._login = login
        self._budget = budget_seconds

    def read(self, metrics: Metrics) -> None:
        """Set the metrics of the database; those set before a failure stay."""
        metrics.set("warehouse_up", 0)
        session = _Session(time.monotonic() + self._budget)
        try:
            session.open(self._login)
            metrics.set("warehouse_up", 1)
            _read_data(session, metrics)
            _read_monitoring(session, metrics)
        finally:
            session.close()


def _read_data(session: "_Session", metrics: Metrics) -> None:
    for ingested_at, accepted, rejected in session.rows(_INGESTION):
        metrics.set("ingestion_last_timestamp_seconds", ingested_at.timestamp())
        metrics.set("ingestion_rows", accepted, "accepted")
        metrics.set("ingestion_rows", rejected, "rejected")
    ((created_at,),) = session.rows(_DATA_VERSION)
    metrics.set("data_version_created_timestamp_seconds", created_at and created_at.timestamp())
    for action, count in session.rows(_GATE):
        metrics.set("gate_decisions_total", count, action)
    for (version,) in session.rows(_DECIDED):
        metrics.set("gate_decided_version", int(version))
    for kind, number in session.rows(_DELETED):
        metrics.set("retention_deleted_total", number, kind)
    ((freed,),) = session.rows(_FREED)
    metrics.set("retention_freed_bytes_total", freed)


def _read_monitoring(session: "_Session", metrics: Metrics) -> None:
    for finished_at, predictions, state in session.rows(_RUN):
        metrics.set("monitor_last_run_timestamp_seconds", finished_at.timestamp())
        metrics.set("monitor_window_predictions", predictions)
        metrics.set("monitor_state", STATES[state])
    for kind, feature, state, distance, threshold in session.rows(_DRIFT):
        metrics.set("drift_state", STATES[state], kind, feature)
        metrics.set("drift_distance", distance, kind, feature)
        metrics.set("drift_threshold", threshold, kind, feature)
    for version, subgroup, metric, estimated, value, low, high, records, coverage in session.rows(_QUALITY):
        if not estimated:
            for bound, number in (("value", value), ("low", low), ("high", high)):
                metrics.set("realised_quality", number, version, subgroup, metric, bound)
            if subgroup == "all":
                metrics.set("realised_outcomes", records, version)
                metrics.set("realised_coverage_ratio", coverage, version)
        elif subgroup == "all":
            metrics.set("estimated_quality", value, version, metric)


class _Session:
    """A connection whose every step ends at a deadline: no timeout of psycopg2 covers a server that hangs."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._connection: Any = None

    def open(self, login: Mapping[str, Any]) -> None:
        """Connect, and begin a transaction that reads one snapshot of the database."""
        self._connection = psycopg2.connect(**login, async_=True)
        self._wait()
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Fetch all rows of a query."""
        with self._execute(query) as cursor:
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def close(self) -> None:
        """Close the connection; the server rolls back."""
        if self._connection is not None:
            self._connection.close()

    def _execute(self, statement: str) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(statement)
        self._wait()
        return cursor

    def _wait(self) -> None:
        while (state := self._connection.poll()) != extensions.POLL_OK:
            remaining = self._deadline - time.monotonic()
            sockets = [self._connection.fileno()]
            readable, writable = (sockets, []) if state == extensions.POLL_READ else ([], sockets)
            if remaining <= 0 or not any(select.select(readable, writable, [], remaining)):
                raise TimeoutError("no time left: the database responds too slowly")
