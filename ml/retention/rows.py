"""Old rows of the ``diabetes`` database that no page and no decision reads."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ml.retention.plan import Limits
from ml.warehouse.connection import transaction
from ml.warehouse.tables import (
    accesses,
    ingestions,
    monitor_quality,
    monitor_runs,
    predictions,
    rejected_rows,
    scorings,
)

_SHOWN: Final = (
    sa.select(sa.func.max(monitor_runs.c.id)).scalar_subquery(),
    sa.select(sa.func.coalesce(sa.func.max(monitor_quality.c.run_id), 0)).scalar_subquery(),
)
"""Ids of the monitoring runs that the page *Monitoring* shows; the second is 0 as long as no quality was measured."""


def conditions(limits: Limits, now: datetime) -> Mapping[str, tuple[sa.Table, sa.ColumnElement[bool]]]:
    """What is old: a description, and the table with the condition of its rows."""
    cutoff = limits.cutoff(now)
    old_ingestions = sa.select(ingestions.c.id).where(ingestions.c.ingested_at < cutoff)
    load_tests, asked = now - timedelta(days=limits.load_test_days), now - timedelta(days=limits.access_log_days)
    return {
        "monitoring runs": (
            monitor_runs,
            sa.and_(monitor_runs.c.finished_at < cutoff, monitor_runs.c.id.not_in(_SHOWN)),
        ),
        "rejected rows": (rejected_rows, rejected_rows.c.ingestion_id.in_(old_ingestions)),
        "predictions of load tests": (
            predictions,
            sa.and_(predictions.c.load_test, predictions.c.predicted_at < load_tests),
        ),
        "batch scorings": (scorings, scorings.c.started_at < cutoff),  # with their scores
        "entries of the access log": (accesses, accesses.c.accessed_at < asked),
    }


def count(engine: sa.Engine, limits: Limits, now: datetime) -> dict[str, int]:
    """Count the old rows of each kind."""
    with transaction(engine) as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table).where(old)) or 0
            for name, (table, old) in conditions(limits, now).items()
        }


def delete(engine: sa.Engine, limits: Limits, now: datetime) -> dict[str, int]:
    """Delete the old rows, all kinds or none; returns their numbers."""
    with transaction(engine) as connection:
        return {
            name: connection.execute(table.delete().where(old)).rowcount
            for name, (table, old) in conditions(limits, now).items()
        }
