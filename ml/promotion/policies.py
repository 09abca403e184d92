"""The policy in force and its changes, stored in PostgreSQL; the service follows the same table."""

from typing import Any

import sqlalchemy as sa

from ml.core.policies.policy import COLUMNS, PolicyChange, RecordedChange
from ml.warehouse.connection import transaction
from ml.warehouse.tables import policies

_STORED = tuple(policies.c[name] for name in COLUMNS)


def change_policy(engine: sa.Engine, change: PolicyChange) -> RecordedChange:
    """Put another policy in force, or none; raises WarehouseError."""
    values = {"actor": change.actor, "reason": change.reason, "model_version": change.model_version}
    if change.policy is not None:
        values |= change.policy.model_dump()
    with transaction(engine) as connection:
        inserted = connection.execute(policies.insert().values(**values).returning(*_STORED)).one()
    return RecordedChange.of_row(inserted)


def policy_changes(engine: sa.Engine, limit: int | None = None) -> list[RecordedChange]:
    """Changes of the policy, the newest first; the first one is in force. Raises WarehouseError."""
    query = sa.select(*_STORED).order_by(policies.c.id.desc()).limit(limit)
    with transaction(engine) as connection:
        return [RecordedChange.of_row(row) for row in connection.execute(query)]


def as_ledger_entry(change: RecordedChange) -> dict[str, Any]:
    """A change with the members of :meth:`ml.promotion.ledger.Entry.to_json`."""
    policy, moment = change.policy, change.changed_at.isoformat()
    return {
        "id": f"policy {change.id}",
        "decided_at": moment,
        "action": "policy_set" if policy else "policy_withdrawn",
        "version": change.model_version,
        "incumbent": None,
        "actor": change.actor,
        "reason": change.reason,
        "rule": policy.name if policy else "",
        "figures": {"threshold": policy.threshold} if policy else {},
        "completed_at": moment,
    }
