"""Decides which model versions and runs may be deleted. What is in use, or was lately, is kept whatever its age."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml.promotion.ledger import MOVING, Action, Entry
from ml.registry.deletion import StoredRun


@dataclass(frozen=True, slots=True)
class Limits:
    """Age in days, and numbers of the newest versions and ledger entries, up to which everything is kept.

    Load tests in the prediction log and the access log have ages of their own.
    """

    days: int
    versions: int = 10
    decisions: int = 20
    load_test_days: int = 14
    access_log_days: int = 2190

    def cutoff(self, now: datetime) -> datetime:
        """Time before which things are old."""
        return now - timedelta(days=self.days)


def old_versions(
    created: Mapping[str, datetime],
    aliased: Collection[str],
    entries: Sequence[Entry],
    limits: Limits,
    now: datetime,
) -> list[str]:
    """Numbers of the versions to delete, the oldest first.

    Args:
        created: time at which each registered version was created.
        aliased: versions that an alias points to.
        entries: the ledger, the newest entry first.
        limits: what is kept whatever its age, and for how long.
        now: the present time.
    """
    newest = sorted(created, key=int, reverse=True)[: limits.versions]
    kept = {*aliased, *newest, *_in_use(entries), *_named(entries[: limits.decisions])}
    old = (number for number, moment in created.items() if moment < limits.cutoff(now))
    return sorted(set(old) - kept, key=int)


def old_runs(runs: Sequence[StoredRun], of_versions: Collection[str], limits: Limits, now: datetime) -> list[StoredRun]:
    """Runs to delete: ended and old, of no version that stays, and not among the newest of their experiment."""
    seen: dict[str, int] = {}
    found = []
    for run in sorted(runs, key=lambda one: one.started_at, reverse=True):
        seen[run.experiment] = seen.get(run.experiment, 0) + 1
        is_needed = run.id in of_versions or seen[run.experiment] <= limits.versions or not run.is_ended
        if not is_needed and run.started_at < limits.cutoff(now):
            found.append(run)
    return found[::-1]


def _in_use(entries: Sequence[Entry]) -> set[str]:
    """The version that the ledger has in production, and the one that a rollback would go to."""
    completed = [entry for entry in entries if entry.completed_at]
    production = next((entry.version for entry in completed if entry.action in MOVING), None)
    replaced = (
        entry.incumbent
        for entry in completed
        if entry.action is Action.PROMOTED and entry.version == production and entry.incumbent
    )
    return {number for number in (production, next(replaced, None)) if number}


def _named(entries: Sequence[Entry]) -> set[str]:
    return {number for entry in entries for number in (entry.version, entry.incumbent) if number}
