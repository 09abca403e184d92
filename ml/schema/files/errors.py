"""Errors of a delivered file, with the place of each; grouped by what is wrong, because a fault repeats."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from ml.schema.columns import Column

MAX_GROUPS: Final = 1_000
"""Different faults that are told apart; further ones are only counted."""

FIRST_LINES: Final = 5
"""Lines listed of a group."""


class FileError(Exception):
    """The file cannot be read from this line on; lines are counted from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


class HeaderError(FileError):
    """Names of columns are wrong; ``names`` has each with a message."""

    def __init__(self, names: list[tuple[str, str]], line: int) -> None:
        super().__init__(names[0][1], line)
        self.names = names


class RowError(Exception):
    """A record that is not valid: as a whole, with a message, or because of some of its cells."""

    def __init__(self, message: str = "", cells: tuple[tuple[Column, str], ...] = ()) -> None:
        super().__init__(message)
        self.message, self.cells = message, cells


@dataclass(slots=True)
class ErrorGroup:
    """The same fault in one or more lines: a value of a column, or a message about whole lines."""

    column: Column | None
    text: str
    record: int
    lines: list[int] = field(default_factory=list)
    count: int = 0

    @property
    def suggestion(self) -> str | None:
        """The allowed value that the text resembles."""
        if self.column is None:
            return None
        allowed = {str(value).casefold(): str(value) for value in self.column.allowed}
        similar = get_close_matches(self.text.strip().casefold()[:80], allowed, n=1, cutoff=0.7)
        return allowed[similar[0]] if similar else None


class ErrorGroups:
    """Collects the errors of a file."""

    def __init__(self) -> None:
        self.count = 0
        self._groups: dict[tuple[str | None, str], ErrorGroup] = {}

    def __iter__(self) -> Iterator[ErrorGroup]:
        return iter(self._groups.values())

    def add(self, column: Column | None, text: str, record: int, line: int) -> None:
        """Add an error: a cell's text, or a message if the whole line is wrong."""
        self.count += 1
        key = (column.name if column else None, text)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) == MAX_GROUPS:
                return
            group = self._groups[key] = ErrorGroup(column, text, record)
        group.count += 1
        if len(group.lines) < FIRST_LINES:
            group.lines.append(line)

    def add_row(self, error: RowError, record: int, line: int) -> None:
        """Add the errors of a record."""
        if error.message:
            self.add(None, error.message, record, line)
        for column, text in error.cells:
            self.add(column, text, record, line)
