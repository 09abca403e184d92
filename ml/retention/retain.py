"""Deletes what is old, or says what would be deleted: versions and runs in MLflow, rows, and searches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import optuna
import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.data.staging import drop_expired
from ml.promotion.ledger import Ledger
from ml.registry.deletion import DeletingRegistry
from ml.retention import deletions, rows
from ml.retention.plan import Limits, old_runs, old_versions
from ml.training.tune import storage


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """What was deleted, or would be: numbers by kind, versions, and the bytes of the deleted files."""

    counts: dict[str, int]
    versions: list[str]
    freed_bytes: int


def retain(
    settings: MlSettings,
    engine: sa.Engine,
    limits: Limits,
    *,
    apply: bool,
    actor: str = "",
    on_step: Callable[[str], None] = lambda _: None,
) -> RetentionResult:
    """Delete what is old if ``apply``, and record it for ``actor``; else count it.

    The next call continues one that was interrupted.

    Raises:
        RegistryError, WarehouseError: a service does not answer. What was deleted before stays deleted.
    """
    now, ledger, registry, freed = datetime.now(UTC), Ledger(engine), DeletingRegistry(settings), 0
    with ledger.lock():  # no decision is made about a version meanwhile
        registered = registry.versions()
        aliased = [version.number for version in registered if version.aliases]
        versions = old_versions(registry.creation_times(), aliased, ledger.entries(), limits, now)
        of_versions = {version.run_id for version in registered if version.number not in versions}
        runs = old_runs(registry.stored_runs(), of_versions, limits, now)
        record = deletions.begin(engine, actor, versions) if apply else None
        for number in versions if apply else ():
            on_step(f"version {number}")
            freed += registry.delete_version(number)
        of_deleted = {version.run_id for version in registered if version.number in versions}
        runs = [run for run in runs if run.id not in of_deleted]  # they went with their versions
        for run in runs if apply else ():
            on_step(f"run {run.id}")
            freed += registry.delete_run(run.id)
    if apply:
        drop_expired(engine)
    counts = rows.delete(engine, limits, now) if apply else rows.count(engine, limits, now)
    counts |= {"searches": _searches(settings, limits, now, apply=apply)}
    counts = {"model versions": len(versions), "runs": len(runs), **counts}
    if record is not None:
        deletions.finish(engine, record, counts, freed)
    return RetentionResult(counts, versions, freed)


def _searches(settings: MlSettings, limits: Limits, now: datetime, *, apply: bool) -> int:
    """Number of old searches. Optuna has their times in the time zone of the machine that searched."""
    studies, cutoff = storage(settings), limits.cutoff(now).astimezone().replace(tzinfo=None)
    old = [one for one in optuna.get_all_study_summaries(studies) if one.datetime_start and one.datetime_start < cutoff]
    for study in old if apply else ():
        optuna.delete_study(study_name=study.study_name, storage=studies)
    return len(old)
