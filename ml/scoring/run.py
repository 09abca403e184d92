"""Scores stored records by parts: each part is read, scored, written and committed before the next one is read."""

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from ml.compute.connection import connected
from ml.compute.workers import THIS_PROCESS, Workers
from ml.core.bundle import MANIFEST_FILE, sha256_of
from ml.core.errors import ScoringError
from ml.core.names import MODEL_NAME
from ml.core.settings import MlSettings
from ml.core.signing.approval import TAG, check_manifest, verify_version
from ml.core.signing.keys import read_public_keys
from ml.registry.client import Registry
from ml.schema import PATIENT_ID
from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import ErrorGroups
from ml.scoring import sources, targets
from ml.scoring.identity import Identity
from ml.scoring.parts import Graph, Part, Scorer, score_part, snapshot
from ml.scoring.sources import Records, Source
from ml.scoring.targets import Target
from ml.training.code_version import code_version
from ml.warehouse.tables import ingestions

log = logging.getLogger(__name__)

ROWS_PER_PART: Final = 100_000
_FAULTS: Final = 20
"""Faults that are reported, the most frequent ones; every invalid record has its own in its row."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to score, with which version (default: production), and where to write the scores."""

    source: str = sources.TABLE
    target: str = targets.TABLE
    version: str | None = None
    rows_per_part: int = ROWS_PER_PART
    code_system: CodeSystem = CodeSystem.ICD9

    def below(self, folder: Path) -> "Job":
        """The same job with files below a folder, for users who may not reach others.

        Raises:
            ScoringError: a path leads out of the folder.
        """
        return replace(
            self, source=_below(folder, self.source, sources.TABLE), target=_below(folder, self.target, targets.TABLE)
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """A complete result.

    ``rows_before`` were scored by earlier runs; ``errors`` are those of this run, by fault, with the first lines or
    rows, which ``unit`` says.
    """

    source: str
    target: str
    version: str
    rows: int
    rows_before: int
    invalid: int
    seconds: float
    unit: str
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows_per_second(self) -> float:
        """Of this run, from the first record to the last."""
        return round((self.rows - self.rows_before) / max(self.seconds, 1e-9), 1)


def score(settings: MlSettings, engine: sa.Engine, registry: Registry, job: Job, actor: str) -> Summary:
    """Score all records of a source; a call that was interrupted is continued by the next one with the same job.

    Raises:
        ClusterError: the Dask cluster of ``DASK_SCHEDULER`` is away, or was lost.
        ScoringError: the source cannot be read, or the target holds something else.
        BundleError, UnapprovedError: the version is not valid, or the gate has not approved it.
        NoDataError, RegistryError, WarehouseError: there is nothing to score or no version, or a service is away.
    """
    with connected(settings, code_version) as workers:
        return score_with(_approved(settings, registry, job.version), engine, job, actor, workers)


@contextmanager
def _approved(settings: MlSettings, registry: Registry, number: str | None) -> Iterator[tuple[str, Path]]:
    """Number and bundle of a version that the gate has approved, as the API verifies it."""
    version = registry.version_or_production(number)
    with registry.download(version.number) as directory:
        keys = read_public_keys(settings.model_public_keys_file)
        verified = verify_version(version.tags.get(TAG), keys, MODEL_NAME, version.number)
        check_manifest(verified, sha256_of(directory / MANIFEST_FILE))
        yield version.number, directory


def score_with(
    version: AbstractContextManager[tuple[str, Path]],
    engine: sa.Engine,
    job: Job,
    actor: str,
    workers: Workers = THIS_PROCESS,
) -> Summary:
    """The same with a version of which the context has number and bundle; for benchmarks."""
    with ExitStack() as stack:
        stays = snapshot(engine)  # entered once, by whichever needs it: the source or the history
        connection = stack.enter_context(stays) if job.source == sources.TABLE else None
        source = _open_source(job, connection)
        records = sources.read_records(source, job.code_system)
        if connection is None and PATIENT_ID in records.reader.header.known:
            connection = stack.enter_context(stays)
        if records.foreign:
            log.info("Not of the data set, and not read: %s", ", ".join(records.foreign))
        number, directory = stack.enter_context(version)
        manifest = sha256_of(directory / MANIFEST_FILE)
        identity = Identity(source.name, source.sha256, job.code_system, _history_of(connection), number, manifest)
        target = stack.enter_context(_open_target(job, engine, identity, actor))
        graph = stack.enter_context(Graph(directory))
        scorer = Scorer(records.reader, source.unit == "line", connection, graph)
        return _Run(job, source, records, target, scorer, workers).run(identity)


@dataclass(frozen=True, slots=True)
class _Run:
    job: Job
    source: Source
    records: Records
    target: Target
    scorer: Scorer
    workers: Workers
    groups: ErrorGroups = field(default_factory=ErrorGroups)

    def run(self, identity: Identity) -> Summary:
        before, started = self.target.rows, time.perf_counter()
        if before:
            log.info("Continuing after %s records in %s", f"{before:,}", self.target.name)
        for scored in self.workers.map(score_part, self.scorer, self._parts()):
            for message, position, place in scored.faults:
                self.groups.add(None, message, position, place)
            self._commit(scored.rows, started)
        summary = Summary(
            source=identity.source,
            target=self.target.name,
            version=identity.version,
            rows=self.target.rows,
            rows_before=before,
            invalid=self.target.invalid,
            seconds=round(time.perf_counter() - started, 3),
            unit=self.source.unit,
            errors=self._faults(),
        )
        of_it = {name: getattr(summary, name) for name in ("source", "version", "rows", "invalid")}
        self.target.finish({"digest": identity.digest, **of_it})
        return summary

    def _parts(self) -> Iterator[Part]:
        """Yield the parts of the source that the target does not hold yet."""
        done, first = self.target.rows, self.target.rows + 1
        texts = islice(self.records.texts, done, None)
        while part := list(islice(texts, self.job.rows_per_part)):
            yield Part(first, part)
            first += len(part)

    def _faults(self) -> list[dict[str, Any]]:
        groups = sorted(self.groups, key=lambda group: group.count, reverse=True)[:_FAULTS]
        return [{"error": group.text, "records": group.count, "first": group.lines} for group in groups]

    def _commit(self, part: pa.Table, started: float) -> None:
        invalid = len(part) - part["error"].null_count
        if not self.source.is_unchanged():
            raise ScoringError(f"{self.source.name} was changed while it was read: score it again to another target.")
        if not self.target.rows and invalid == len(part):
            group = next(iter(self.groups))
            raise ScoringError(
                f"None of the first {len(part):,} records is valid, so nothing was written; "
                f"{self.source.unit} {group.lines[0]}: {group.text}."
            )
        self.target.add(part, invalid)
        seconds = time.perf_counter() - started
        log.info("%s records scored, %s invalid, %.0f s", f"{self.target.rows:,}", f"{self.target.invalid:,}", seconds)


def _below(folder: Path, name: str, table: str) -> str:
    path = folder.resolve() / name
    if name != table and folder.resolve() not in path.resolve().parents:
        raise ScoringError(f"{name} is not below {folder}: give {table}, or a path in that folder.")
    return name if name == table else str(path)


def _open_source(job: Job, connection: sa.Connection | None) -> Source:
    if connection is None:
        return sources.file_source(Path(job.source))
    if job.code_system is not CodeSystem.ICD9:
        raise ScoringError(f"The diagnoses in {sources.TABLE} are in icd-9-cm.")
    return sources.table_source(connection)


def _history_of(connection: sa.Connection | None) -> int | None:
    """The ingestion whose encounters are the history; None without a history."""
    return None if connection is None else connection.scalar(sa.select(sa.func.max(ingestions.c.id)))


def _open_target(job: Job, engine: sa.Engine, identity: Identity, actor: str) -> AbstractContextManager[Target]:
    if job.target == targets.TABLE:
        return nullcontext(targets.TableTarget(engine, identity, actor))
    return targets.parquet_target(Path(job.target), identity)
