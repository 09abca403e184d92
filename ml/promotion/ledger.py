"""The ledger: every decision about the version in production, in PostgreSQL, in the order they were taken.

An entry is written before anything is done about it, and completed once the alias and the tags in MLflow say the
same. One that was never completed was interrupted; :mod:`ml.promotion.production_alias` finds out how far it got.
"""

import getpass
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ml.warehouse.connection import transaction
from ml.warehouse.tables import gate_decisions


class Action(StrEnum):
    """What was done."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"
    MOVED_BY_HAND = "alias_moved_by_hand"


MOVING: Final = (Action.PROMOTED, Action.ROLLED_BACK, Action.MOVED_BY_HAND)
"""Actions after which ``production`` points to another version."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision. Where the alias moved, it did so from ``incumbent`` to ``version``; None is no version."""

    id: int
    decided_at: datetime
    action: Action
    version: str | None
    incumbent: str | None
    actor: str
    reason: str
    rule: str
    figures: Mapping[str, Any]
    completed_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        times = {"decided_at": self.decided_at, "completed_at": self.completed_at}
        return {**asdict(self), **{name: time and time.isoformat() for name, time in times.items()}}


class Ledger:
    """Reads and writes the table ``gate_decisions``. Every method may raise WarehouseError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(
        self,
        action: Action,
        version: str | None,
        incumbent: str | None,
        *,
        actor: str,
        reason: str,
        rule: str,
        figures: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Write a decision down, not completed yet."""
        row = {"action": action, "version": version, "incumbent": incumbent, "actor": actor, "reason": reason}
        insert = gate_decisions.insert().values(**row, rule=rule, figures=dict(figures or {}))
        with transaction(self._engine) as connection:
            return _entry(connection.execute(insert.returning(gate_decisions)).one())

    def add_move_by_hand(
        self, version: str | None, incumbent: str | None, *, actor: str, reason: str, newest: int
    ) -> Entry | None:
        """Write down that somebody moved the alias, unless an entry newer than ``newest`` may explain it.

        Returns:
            The entry, completed; None when there is a newer one.
        """
        with transaction(self._engine) as connection:
            # Two that notice at the same time wait for each other here, and the second finds the entry of the first.
            connection.execute(sa.text("LOCK TABLE gate_decisions IN SHARE ROW EXCLUSIVE MODE"))
            if (connection.scalar(sa.select(sa.func.max(gate_decisions.c.id))) or 0) > newest:
                return None
            insert = gate_decisions.insert().values(
                action=Action.MOVED_BY_HAND,
                version=version,
                incumbent=incumbent,
                actor=actor,
                reason=reason,
                rule="alias",
                figures={},
                completed_at=sa.func.clock_timestamp(),
            )
            return _entry(connection.execute(insert.returning(gate_decisions)).one())

    def complete(self, entry: Entry) -> None:
        """Note that alias and tags say what the entry says."""
        done = gate_decisions.update().where(gate_decisions.c.id == entry.id)
        with transaction(self._engine) as connection:
            connection.execute(done.values(completed_at=sa.func.clock_timestamp()))

    def entries(self, limit: int | None = None) -> list[Entry]:
        """All decisions, the newest first."""
        return self._select(sa.true(), limit)

    def newest(self) -> Entry | None:
        """The newest entry, completed or not."""
        return next(iter(self.entries(1)), None)

    def in_force(self) -> Entry | None:
        """The completed entry that says where ``production`` should point."""
        moved = sa.and_(gate_decisions.c.action.in_(MOVING), gate_decisions.c.completed_at.is_not(None))
        return next(iter(self._select(moved, 1)), None)

    def arrivals(self, version: str) -> list[Entry]:
        """How a version came into production other than by going back to it, the newest first."""
        table = gate_decisions.c
        came = sa.and_(table.version == version, table.completed_at.is_not(None))
        return self._select(sa.and_(came, table.action.in_((Action.PROMOTED, Action.MOVED_BY_HAND))), None)

    def _select(self, condition: sa.ColumnElement[bool], limit: int | None) -> list[Entry]:
        query = sa.select(gate_decisions).where(condition).order_by(gate_decisions.c.id.desc()).limit(limit)
        with transaction(self._engine) as connection:
            return [_entry(row) for row in connection.execute(query)]


def current_user() -> str:
    """Who runs this program: the user's name, or the number where it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(**{**row._mapping, "action": Action(row.action)})
