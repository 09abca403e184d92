"""Targets of scores: a folder of Parquet parts, or the tables ``scorings`` and ``scores``.

A part appears as a whole or not at all, so a run that was killed is continued after the last part, and each record has
one row.
"""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from ml.core.errors import ScoringError
from ml.scoring.identity import Identity
from ml.scoring.inputs import SCHEMA
from ml.warehouse.connection import copy_in, transaction
from ml.warehouse.tables import scores, scorings

TABLE: Final = scores.name
SUMMARY: Final = "_scores.json"
"""Summary of a complete result, beside its parts; readers of Parquet folders ignore names that begin with ``_``."""
_DRAFT: Final = ".draft"
_OWN_DRAFT: Final = re.compile(rf"(part-\d{{6,}}\.parquet|{re.escape(SUMMARY)}){re.escape(_DRAFT)}")
_KEY: Final = b"scoring"


class Target(Protocol):
    """A result that grows by parts; ``rows`` and ``invalid`` count what it holds."""

    rows: int
    invalid: int

    @property
    def name(self) -> str:
        """Where it is."""

    def add(self, part: pa.Table, invalid: int) -> None:
        """Commit the next part."""

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Mark the result as complete."""


class ParquetTarget:
    """Files ``part-000000.parquet``, ``part-000001.parquet``, …; each names what it is the result of."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.name, self.rows, self.invalid, self._is_complete = str(folder), 0, 0, False
        self._folder, self._identity, self._parts = folder, identity, 0
        for path in sorted(folder.iterdir()):
            if path.name == SUMMARY:
                self._is_complete = True
            elif not _OWN_DRAFT.fullmatch(path.name):  # of a run that was killed; the next draft replaces it
                self._count(path)

    def add(self, part: pa.Table, invalid: int) -> None:
        """Commit the next part."""
        identity = {"digest": self._identity.digest, "of": str(self._identity), "invalid": invalid}
        part = part.replace_schema_metadata({_KEY: json.dumps(identity)})
        self._publish(self._path(self._parts), lambda file: pq.write_table(part, file))
        self._parts, self.rows, self.invalid = self._parts + 1, self.rows + len(part), self.invalid + invalid
        self._is_complete = False

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary, unless it is there, and delete what killed runs left."""
        for draft in self._folder.glob(f"*{_DRAFT}"):
            draft.unlink()  # all are of parts, see above; parts of another size may leave one with a higher number
        if not self._is_complete:
            text = json.dumps(summary, indent=1) + "\n"
            self._publish(self._folder / SUMMARY, lambda file: file.write(text.encode()))

    def _path(self, number: int) -> Path:
        return self._folder / f"part-{number:06}.parquet"

    def _count(self, path: Path) -> None:
        """Count a part of an earlier run."""
        try:
            metadata = pq.read_metadata(path)
            found = json.loads((metadata.metadata or {})[_KEY])
        except (OSError, pa.ArrowException, KeyError, ValueError):
            raise ScoringError(
                f"{self._folder} holds {path.name}, which is no part of a scoring: choose another folder."
            ) from None
        if found["digest"] != self._identity.digest:
            raise ScoringError(
                f"{self._folder} holds scores of another source, history or version ({found['of']}): choose another "
                "folder, or delete it."
            )
        if path != self._path(self._parts):
            raise ScoringError(f"{self._path(self._parts)} was deleted: delete the folder, and score again.")
        self._parts, self.rows = self._parts + 1, self.rows + metadata.num_rows
        self.invalid += found["invalid"]

    def _publish(self, path: Path, write: Callable[[IO[bytes]], object]) -> None:
        """Write a file that appears as a whole."""
        draft = path.with_name(path.name + _DRAFT)
        try:
            with draft.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _not_writable(self._folder, error) from error


class TableTarget:
    """Rows of ``scores``, and their number in ``scorings``, which change in one transaction."""

    def __init__(self, engine: sa.Engine, identity: Identity, actor: str) -> None:
        self._engine, self._identity, self._actor = engine, identity, actor
        self._id, self.rows, self.invalid = None, 0, 0
        with transaction(engine) as connection:
            found = connection.execute(sa.select(scorings).where(scorings.c.digest == identity.digest)).first()
        if found:
            self._id, self.rows, self.invalid = found.id, found.rows_scored, found.rows_invalid

    @property
    def name(self) -> str:
        """The table, and which of its rows."""
        return f"{TABLE}, scoring_id {self._id}"

    def add(self, part: pa.Table, invalid: int) -> None:
        """Commit the next part."""
        rows, wrong = self.rows + len(part), self.invalid + invalid
        with transaction(self._engine) as connection:
            number = connection.scalar(self._claim(rows, wrong))
            if number is None:
                raise ScoringError("Another process scores the same records, or deleted their scores: try again later.")
            ids, stream = pa.array([number] * len(part), pa.int64()), BytesIO()
            options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
            pyarrow.csv.write_csv(part.add_column(0, "scoring_id", ids), stream, options)
            stream.seek(0)
            copy_in(connection, TABLE, ("scoring_id", *SCHEMA.names), stream)
        self._id, self.rows, self.invalid = number, rows, wrong

    def _claim(self, rows: int, invalid: int) -> sa.Executable:
        """Moves the numbers of the scoring on, and returns its id; none if another process did so first."""
        if self._id is None:
            return (
                insert(scorings)
                .values(
                    digest=self._identity.digest,
                    source=self._identity.source,
                    model_version=self._identity.version,
                    actor=self._actor,
                    rows_scored=rows,
                    rows_invalid=invalid,
                )
                .on_conflict_do_nothing()
                .returning(scorings.c.id)
            )
        unchanged = sa.and_(scorings.c.id == self._id, scorings.c.rows_scored == self.rows)
        moved = sa.update(scorings).where(unchanged).values(rows_scored=rows, rows_invalid=invalid)
        return moved.returning(scorings.c.id)

    def finish(self, summary: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Record the end, unless it is recorded."""
        is_open = sa.and_(scorings.c.id == self._id, scorings.c.finished_at.is_(None))
        with transaction(self._engine) as connection:
            connection.execute(sa.update(scorings).where(is_open).values(finished_at=sa.func.clock_timestamp()))


@contextmanager
def parquet_target(folder: Path, identity: Identity) -> Iterator[ParquetTarget]:
    """A folder that no other process writes meanwhile.

    Raises:
        ScoringError: it cannot be written, holds something else, or another process writes it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _not_writable(folder, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends
        except BlockingIOError:
            raise ScoringError(f"Another process writes {folder}: wait until it has ended.") from None
        yield ParquetTarget(folder, identity)
    finally:
        os.close(descriptor)


def _not_writable(folder: Path, error: OSError) -> ScoringError:
    return ScoringError(
        f"{folder} cannot be written ({error.strerror or error}): change that, or choose another folder."
    )
