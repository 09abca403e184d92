"""The ledger: every decision about the version in production, in the order they were made, stored in PostgreSQL.

An entry is written before the alias and the tags in MLflow are changed, and completed afterwards. An entry that is not
completed was interrupted; :mod:`ml.promotion.production_alias` reconciles it.
"""

import getpass
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from ml.warehouse.connection import locked, transaction
from ml.warehouse.tables import gate_decisions

log = logging.getLogger(__name__)


class Action(StrEnum):
    """What a decision does."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"
    MOVED_BY_HAND = "alias_moved_by_hand"
    ADOPTED = "adopted"  # production of an installation that is older than signed approvals
    SIGNED_AGAIN = "signed_again"  # an approval, after a rotation of the key


DECIDING: Final = (Action.PROMOTED, Action.ROLLED_BACK)
"""Actions that decide which version is in production."""

MOVING: Final = (*DECIDING, Action.MOVED_BY_HAND)
"""Actions that move ``production`` to another version."""
_LOCK: Final = 296_002
_LOCK_OF_MOVES: Final = 296_005

Sign = Callable[[int, datetime, Action, str], str]
"""Makes the envelope of an entry from its id, time, action and actor."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision. If the alias moved, it moved from ``incumbent`` to ``version``; None is no version."""

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
    approval: str | None  # signed envelope of :mod:`ml.core.signing.approval`
    idempotency_key: str | None = None  # of the DAG run, which may be run again

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        times = {"decided_at": self.decided_at, "completed_at": self.completed_at}
        return {**asdict(self), **{name: time and time.isoformat() for name, time in times.items()}}


_COMPLETED: Final = gate_decisions.c.completed_at.is_not(None)
_NEXT: Final = sa.text("SELECT nextval(pg_get_serial_sequence('gate_decisions', 'id')), clock_timestamp()")


class Ledger:
    """Reads and writes the table ``gate_decisions``. Every method may raise WarehouseError."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Wait for the lock that only one gate run or rollback holds, on any machine, until the context ends."""
        with locked(self._engine, _LOCK):
            yield

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
        sign: Sign | None = None,
        idempotency_key: str | None = None,
    ) -> Entry:
        """Insert an entry that is not completed, with the approval that ``sign`` makes."""
        row = {"action": action, "version": version, "incumbent": incumbent, "actor": actor, "reason": reason}
        row["idempotency_key"] = idempotency_key
        with transaction(self._engine) as connection:
            number, now = connection.execute(_NEXT).one()  # before the insert: the approval names them
            approval = sign(number, now, action, actor) if sign else None
            identity = {"id": number, "decided_at": now, "approval": approval}
            return _insert(connection, {**row, **identity, "rule": rule, "figures": dict(figures or {})})

    def add_manual_move(
        self, version: str | None, incumbent: str | None, *, actor: str, reason: str, newest: int
    ) -> Entry | None:
        """Insert a completed entry for a manual move of the alias.

        If there is an entry with an id above ``newest``, it may explain the move: then nothing is inserted.
        """
        row = {"action": Action.MOVED_BY_HAND, "version": version, "incumbent": incumbent, "actor": actor}
        with transaction(self._engine) as connection:
            # Of two processes that notice the move, the second waits here and finds the entry of the first.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_OF_MOVES)))
            if (connection.scalar(sa.select(sa.func.max(gate_decisions.c.id))) or 0) > newest:
                return None
            completed = {"rule": "alias", "figures": {}, "completed_at": sa.func.clock_timestamp()}
            return _insert(connection, {**row, "reason": reason, **completed})

    def complete(self, entry: Entry) -> None:
        """Record that alias and tags match the entry."""
        update = gate_decisions.update().where(gate_decisions.c.id == entry.id)
        with transaction(self._engine) as connection:
            connection.execute(update.values(completed_at=sa.func.clock_timestamp()))

    def entries(self, limit: int | None = None) -> list[Entry]:
        """All entries, the newest first."""
        return self._select(sa.true(), limit)

    def newest(self) -> Entry | None:
        """The newest entry, completed or not."""
        return self._newest(sa.true())

    def in_force(self) -> Entry | None:
        """The completed entry that determines where ``production`` should point."""
        return self._newest(sa.and_(gate_decisions.c.action.in_(MOVING), _COMPLETED))

    def decided(self) -> Entry | None:
        """The completed entry that decided which version is in production; a manual move decides nothing."""
        return self._newest(sa.and_(gate_decisions.c.action.in_(DECIDING), _COMPLETED))

    def has_decided_for(self, version: str) -> bool:
        """Whether this version was ever put into production by a decision."""
        table = gate_decisions.c
        return self._newest(sa.and_(table.version == version, table.action.in_(DECIDING), _COMPLETED)) is not None

    def rollback_of(self, idempotency_key: str) -> Entry | None:
        """The newest rollback with this key, completed or not."""
        table = gate_decisions.c
        return self._newest(sa.and_(table.idempotency_key == idempotency_key, table.action == Action.ROLLED_BACK))

    def version_replaced_by(self, version: str) -> str | None:
        """The version that this one replaced when it was last promoted; None if unknown."""
        table = gate_decisions.c
        replacing = sa.and_(table.action == Action.PROMOTED, table.incumbent.is_not(None))
        entry = self._newest(sa.and_(table.version == version, _COMPLETED, replacing))
        return entry.incumbent if entry else None

    def approvals(self, version: str | None = None) -> list[Entry]:
        """The newest completed entry with an approval of each version, or of one version; the oldest first."""
        table = gate_decisions.c
        approving = sa.and_(table.approval.is_not(None), _COMPLETED)
        entries = self._select(sa.and_(approving, table.version == version) if version else approving)
        newest = {entry.version: entry for entry in reversed(entries)}
        return sorted(newest.values(), key=lambda entry: entry.id)

    def _newest(self, condition: sa.ColumnElement[bool]) -> Entry | None:
        return next(iter(self._select(condition, 1)), None)

    def _select(self, condition: sa.ColumnElement[bool], limit: int | None = None) -> list[Entry]:
        query = sa.select(gate_decisions).where(condition).order_by(gate_decisions.c.id.desc()).limit(limit)
        with transaction(self._engine) as connection:
            return [_entry(row) for row in connection.execute(query)]


def current_user() -> str:
    """The user who runs this program: the name, or the number if there is none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _insert(connection: sa.Connection, row: Mapping[str, Any]) -> Entry:
    return _entry(connection.execute(gate_decisions.insert().values(**row).returning(gate_decisions)).one())


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(**{**row._mapping, "action": Action(row.action)})
