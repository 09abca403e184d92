"""Scoring of a file in parts, which allows progress and cancellation.

All lines are read before the first is sent, with the reader that the API uses. The API receives valid lines only, in
the spelling of the data set and without foreign columns.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from threading import Event
from typing import Final

import pandas as pd

from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import ErrorGroups, RowError
from ui.batch.delivered_file import DeliveredFile
from ui.clients.errors import Busy, ServiceError

PART_ROWS: Final = 1_000
"""Rows per request: the API accepts few requests of more than a quarter of a megabyte at a time."""

MAX_RETRY_DELAY: Final = 60
"""Upper limit, in seconds, of the wait for a busy API."""

LINE: Final = "line"

Scores = tuple[pd.DataFrame, str]
Score = Callable[[bytes, int, bool, CodeSystem, bool], Scores]
"""Scores a file of so many rows, as production traffic or not, with diagnoses in a code system, with ranges or not."""


class Stage(StrEnum):
    """State of a job."""

    UPLOADED = "uploaded"
    QUEUE_FULL = "queue full"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ScoringJob:
    """One file to score. A worker thread runs it, sessions read its attributes.

    Attributes:
        done: rows processed so far.
        errors: the errors of the file; equal ones are grouped.
        invalid_lines: numbers of the lines with an error.
        failure: why the job failed; None also after an unexpected exception.
        seconds: duration of the job.
        versions: versions of the model that scored the file.
        is_production: whether monitoring shall count the predictions.
        with_ranges: whether the table shall have ranges.
        explained: what counts most in a row by its line; empty until it is requested.
        valid_only: whether the user accepted a result without the invalid lines.
        table: columns added by the API and the line number of each valid row, in the order of the file.
    """

    def __init__(self, file: DeliveredFile, name: str) -> None:
        self.file, self.name = file, name
        self.stage = Stage.UPLOADED
        self.done = 0
        self.errors = ErrorGroups()
        self.invalid_lines: set[int] = set()
        self.failure: ServiceError | None = None
        self.seconds = 0.0
        self.versions: set[str] = set()
        self.is_production = False
        self.with_ranges = False
        self.explained: Mapping[int, str] = {}
        self.valid_only = False
        self.table = pd.DataFrame()
        self._started = 0.0
        self._stop = Event()

    @property
    def total(self) -> int:
        """Rows of the file."""
        return len(self.file.rows)

    @property
    def is_finished(self) -> bool:
        """Whether it has succeeded, failed or been cancelled."""
        return self.stage in (Stage.DONE, Stage.CANCELLED, Stage.FAILED)

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining time; None before the first part is done."""
        if not self.done or self.stage is not Stage.RUNNING:
            return None
        return (time.monotonic() - self._started) / self.done * (self.total - self.done)

    def cancel(self) -> None:
        """Stop after the current part."""
        self._stop.set()
        if self.stage is not Stage.RUNNING and not self.is_finished:
            self.stage = Stage.CANCELLED

    def run(self, score: Score) -> None:
        """Score the file. The stage is final afterwards, also when ``score`` raises an unexpected exception."""
        stage = Stage.FAILED
        try:
            if not self._stop.is_set():
                self.stage, self._started = Stage.RUNNING, time.monotonic()
                self._run(score)
            stage = Stage.CANCELLED if self._stop.is_set() else Stage.DONE
        except ServiceError as error:
            self.failure = error
        finally:
            self.stage = stage

    def _run(self, score: Score) -> None:
        tables = list(self._score_parts(score, list(self._valid_rows())))
        if self._stop.is_set():
            return
        if tables:
            self.table = pd.concat(tables, ignore_index=True)
        self.seconds = time.monotonic() - self._started

    def _valid_rows(self) -> Iterator[int]:
        """Numbers of the valid lines; records the errors of the others."""
        for record, number in enumerate(self.file.rows):
            if self._stop.is_set():
                return
            try:
                self.file.record(number)
            except RowError as error:
                self.errors.add_row(error, record, number)
                self.invalid_lines.add(number)
                self.done += 1
            else:
                yield number

    def _score_parts(self, score: Score, rows: Sequence[int]) -> Iterator[pd.DataFrame]:
        for first in range(0, len(rows), PART_ROWS):
            if self._stop.is_set():
                return
            numbers = rows[first : first + PART_ROWS]
            table, version = self._score(score, numbers)
            self.versions.add(version)
            self.done += len(numbers)
            yield table.assign(**{LINE: pd.array(numbers, dtype="uint32")})

    def _score(self, score: Score, numbers: Sequence[int]) -> Scores:
        """Send a part, with one retry after the delay that a busy API requests."""
        code_system = self.file.reader.code_system
        arguments = self.file.part(numbers), len(numbers), self.is_production, code_system, self.with_ranges
        try:
            return score(*arguments)
        except Busy as busy:
            self._stop.wait(min(busy.seconds, MAX_RETRY_DELAY))
            return score(*arguments)
