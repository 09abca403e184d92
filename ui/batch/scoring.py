"""Scoring of a file in parts, which allows progress, cancellation and finding every line with an error.

The API lists only the first errors of a request. The rest of a rejected part is sent again without the listed lines,
in pieces small enough for the API to list all of their errors.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from threading import Event
from typing import Final

import pandas as pd

from ui.batch.csv_file import CsvFile
from ui.clients.errors import Busy, FieldError, Rejected, ServiceError

PART_ROWS: Final = 1_000
"""Rows per request: the API accepts few requests of more than a quarter of a megabyte at a time."""

MAX_INVALID_LINES: Final = 10_000
"""Invalid lines after which the job stops."""

MAX_RETRY_DELAY: Final = 60
"""Upper limit, in seconds, of the wait for a busy API."""

LINE: Final = "line"

Scores = tuple[pd.DataFrame, str]
Score = Callable[[bytes, int], Scores]


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
        errors: the errors of the file, by line.
        invalid_lines: numbers of the lines with an error.
        failure: why the job failed; None also after an unexpected exception.
        seconds: duration of the job.
        versions: versions of the model that scored the file.
        valid_only: whether the user accepted a result without the invalid lines.
        table: columns added by the API and the line number of each valid row, in the order of the file.
    """

    def __init__(self, file: CsvFile, name: str) -> None:
        self.file, self.name = file, name
        self.stage = Stage.UPLOADED
        self.done = 0
        self.errors: list[FieldError] = []
        self.invalid_lines: set[int] = set()
        self.failure: ServiceError | None = None
        self.seconds = 0.0
        self.versions: set[str] = set()
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
    def is_aborted(self) -> bool:
        """Whether too many lines were invalid to process the rest."""
        return len(self.invalid_lines) >= MAX_INVALID_LINES

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
        tables = list(self._score_parts(score))
        if self._stop.is_set():
            return
        if tables and not self.is_aborted:
            self.table = pd.concat(tables, ignore_index=True).sort_values(LINE, ignore_index=True)
        self.errors.sort(key=lambda error: error.line or 0)
        self.seconds = time.monotonic() - self._started

    def _score_parts(self, score: Score) -> Iterator[pd.DataFrame]:
        for first in range(0, self.total, PART_ROWS):
            pending = [self.file.rows[first : first + PART_ROWS]]
            while pending:
                if self._stop.is_set() or self.is_aborted:
                    return
                numbers = pending.pop()
                try:
                    table, version = self._score(score, numbers)
                except Rejected as rejection:
                    pending += self._without_invalid(numbers, rejection)
                    continue
                self.versions.add(version)
                self.done += len(numbers)
                yield table.assign(**{LINE: pd.array(numbers, dtype="uint32")})

    def _score(self, score: Score, numbers: Sequence[int]) -> Scores:
        """Send a part, with one retry after the delay that a busy API requests."""
        content = self.file.part(numbers)
        try:
            return score(content, len(numbers))
        except Busy as busy:
            self._stop.wait(min(busy.seconds, MAX_RETRY_DELAY))
            return score(content, len(numbers))

    def _without_invalid(self, numbers: Sequence[int], rejection: Rejected) -> list[list[int]]:
        """Record the listed errors by line of the file, and return the parts to send again.

        Raises:
            Rejected: the errors are not about lines, so sending fewer of them does not help.
        """
        listed = [error for error in rejection.errors if error.line is not None and error.line > 1]
        if not listed:
            raise rejection
        errors = [error.model_copy(update={"line": numbers[(error.line or 2) - 2]}) for error in listed]
        unlisted = rejection.error_count - len(errors)
        if unlisted > 0 and len({error.line for error in errors}) > 1:
            # The last line may have more errors than listed: it is sent again.
            last = errors[-1].line
            errors = [error for error in errors if error.line != last]
        lines = {error.line for error in errors if error.line is not None}
        self.errors += errors
        self.invalid_lines |= lines
        self.done += len(lines)
        rest = [number for number in numbers if number not in lines]
        size = max(1, len(rest) * len(listed) // (2 * unlisted)) if unlisted > 0 else max(1, len(rest))
        parts = [rest[start : start + size] for start in range(0, len(rest), size)]
        return parts[::-1]  # the caller takes them from the end
