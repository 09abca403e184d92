"""Scoring a file part by part, so that there is progress, an end at any moment, and every faulty line is found.

The API names the first faults of what it is sent. What is left of a refused part is therefore sent again, without the
lines that were named and in pieces so small that it can name all that is wrong with them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from threading import Event
from typing import Final

import pandas as pd

from ui.batch.csv_file import CsvFile
from ui.clients.errors import Busy, FieldFault, Refused, ServiceError
from ui.clients.file_scoring import Scores

PART_ROWS: Final = 1_000
"""Rows that are sent at a time: above a quarter of a megabyte the API gives only a few files a place."""

MOST_FAULTY: Final = 10_000
"""Faulty lines after which the rest is not looked at: by then it is the file that is wrong, not its lines."""

LONGEST_WAIT: Final = 60
"""Seconds that a busy API is waited for at most."""

LINE: Final = "line"

Score = Callable[[bytes, int], Scores]


class Stage(StrEnum):
    """Where a scoring stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Scoring:
    """One file on its way through the API; a thread does the work, sessions look at it."""

    def __init__(self, file: CsvFile, name: str) -> None:
        self.file, self.name = file, name
        self.stage = Stage.WAITING
        self.done = 0
        """Rows that were looked at."""
        self.faults: list[FieldFault] = []
        self.faulty: set[int] = set()
        """Numbers of the lines that have a fault."""
        self.error: ServiceError | None = None
        """Why it failed."""
        self.seconds = 0.0
        """How long it took."""
        self.versions: set[str] = set()
        """The model versions that answered."""
        self.good_only = False
        """Whether the person wants the good lines of a file that has faulty ones."""
        self.table = pd.DataFrame()
        """What the API added to the good lines, with the number of each, in the order of the file."""
        self._started = 0.0
        self._stop = Event()

    @property
    def total(self) -> int:
        """Rows of the file."""
        return len(self.file.rows)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.stage not in (Stage.WAITING, Stage.RUNNING)

    @property
    def is_stopped_by_faults(self) -> bool:
        """Whether so many lines were faulty that the rest was not looked at."""
        return len(self.faulty) >= MOST_FAULTY

    @property
    def seconds_left(self) -> float | None:
        """By the pace so far; None until there is one."""
        if not self.done or self.stage is not Stage.RUNNING:
            return None
        return (time.monotonic() - self._started) / self.done * (self.total - self.done)

    def cancel(self) -> None:
        """End it after the part that is under way."""
        self._stop.set()
        if self.stage is Stage.WAITING:
            self.stage = Stage.CANCELLED

    def run(self, score: Score) -> None:
        """Do the work. It ends in any case, or someone would wait for ever: what goes wrong is kept."""
        end = Stage.FAILED
        try:
            if not self._stop.is_set():
                self.stage, self._started = Stage.RUNNING, time.monotonic()
                self._collect(score)
            end = Stage.CANCELLED if self._stop.is_set() else Stage.DONE
        except ServiceError as error:
            self.error = error
        finally:
            self.stage = end

    def _collect(self, score: Score) -> None:
        tables = list(self._tables(score))
        if self._stop.is_set():
            return
        if tables and not self.is_stopped_by_faults:
            self.table = pd.concat(tables, ignore_index=True).sort_values(LINE, ignore_index=True)
        self.faults.sort(key=lambda fault: fault.line or 0)
        self.seconds = time.monotonic() - self._started

    def _tables(self, score: Score) -> Iterator[pd.DataFrame]:
        for first in range(0, self.total, PART_ROWS):
            waiting = [self.file.rows[first : first + PART_ROWS].tolist()]
            while waiting:
                if self._stop.is_set() or self.is_stopped_by_faults:
                    return
                numbers = waiting.pop()
                try:
                    scores = self._patiently(score, numbers)
                except Refused as refusal:
                    waiting += self._without_faulty(numbers, refusal)
                    continue
                self.versions.add(scores.version)
                self.done += len(numbers)
                yield scores.table.assign(**{LINE: pd.array(numbers, dtype="uint32")})

    def _patiently(self, score: Score, numbers: Sequence[int]) -> Scores:
        """Ask, and once more if the API is busy, after the time it names."""
        lines = self.file.part(numbers)
        try:
            return score(lines, len(numbers))
        except Busy as busy:
            self._stop.wait(min(busy.seconds, LONGEST_WAIT))
            return score(lines, len(numbers))

    def _without_faulty(self, numbers: Sequence[int], refusal: Refused) -> list[list[int]]:
        """Keep the faults that were named, by the lines of the file; returns what is to be sent again.

        Raises:
            Refused: what is wrong is not a line, so sending less of them does not help.
        """
        named = [fault for fault in refusal.faults if fault.line is not None and fault.line > 1]
        if not named:
            raise refusal
        found = [_in_line(fault, numbers[(fault.line or 2) - 2]) for fault in named]
        unnamed = refusal.count - len(found)
        if unnamed > 0 and len({fault.line for fault in found}) > 1:
            # More may be wrong with the last line than was named: it is asked about again.
            last = found[-1].line
            found = [fault for fault in found if fault.line != last]
        lines = {fault.line for fault in found if fault.line is not None}
        self.faults += found
        self.faulty |= lines
        self.done += len(lines)
        left = [number for number in numbers if number not in lines]
        size = max(1, len(left) * len(named) // (2 * unnamed)) if unnamed > 0 else len(left)
        pieces = [left[start : start + size] for start in range(0, len(left), size)] if left else []
        return pieces[::-1]  # they are taken from the end


def _in_line(fault: FieldFault, line: int) -> FieldFault:
    """The same fault in another line."""
    return fault.model_copy(update={"line": line, "record": None})
