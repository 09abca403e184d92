"""The record of what was deleted, which the ledger's command prints beside the decisions."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ml.warehouse.connection import transaction
from ml.warehouse.tables import deletions


def begin(engine: sa.Engine, actor: str, versions: list[str]) -> int:
    """Record who deletes which model versions, before the first is deleted; returns the id. Raises WarehouseError."""
    row = deletions.insert().values(actor=actor, versions=versions).returning(deletions.c.id)
    with transaction(engine) as connection:
        return int(connection.execute(row).scalar_one())


def finish(engine: sa.Engine, number: int, counts: Mapping[str, int], freed_bytes: int) -> None:
    """Record that a deletion is complete, and how much it deleted. Raises WarehouseError."""
    values = {"counts": dict(counts), "freed_bytes": freed_bytes, "finished_at": sa.func.clock_timestamp()}
    with transaction(engine) as connection:
        connection.execute(deletions.update().where(deletions.c.id == number).values(**values))


def ledger_entries(engine: sa.Engine, limit: int | None = None) -> list[dict[str, Any]]:
    """Deletions of model versions with the members of :meth:`ml.promotion.ledger.Entry.to_json`, the newest first."""
    of_versions = sa.func.cardinality(deletions.c.versions) > 0
    query = sa.select(deletions).where(of_versions).order_by(deletions.c.id.desc()).limit(limit)
    with transaction(engine) as connection:
        return [_ledger_entry(row) for row in connection.execute(query)]


def _ledger_entry(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": f"deletion {row.id}",
        "decided_at": row.started_at.isoformat(),
        "action": "deleted",
        "version": ", ".join(row.versions),
        "incumbent": None,
        "actor": row.actor,
        "reason": "old, and not in use",
        "rule": "retention",
        "figures": {"counts": row.counts, "freed_bytes": row.freed_bytes},
        "completed_at": row.finished_at and row.finished_at.isoformat(),
    }
