"""The header of a file: its delimiter, and which of its columns are columns of the data set.

A name matches in any letter case and with other separators: ``Time in hospital`` is ``time_in_hospital``. A name that
resembles a column that the header lacks is an error. Any other column is foreign: it is not read.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from ml.schema import BY_NAME, COLUMN_NAMES
from ml.schema.columns import Column
from ml.schema.files.errors import HeaderError
from ml.schema.files.text import DELIMITERS

MAX_COLUMNS: Final = 1_000
_SIMILAR: Final = 0.8
"""Similarity from which a name is a misspelt one: ``time_in_hospitl``, not ``patient_name``."""
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^\w" ])"?[,;\t|]*', re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[^0-9a-z]+")
_DIGITS: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Header:
    """The names as delivered, and their columns; None is a foreign one."""

    delimiter: str
    names: tuple[str, ...]
    columns: tuple[Column | None, ...]

    @property
    def known(self) -> list[str]:
        """Names of the columns of the data set, in the order of the file."""
        return [column.name for column in self.columns if column]

    @property
    def foreign(self) -> list[str]:
        """Names of the other columns as they are shown."""
        pairs = enumerate(zip(self.names, self.columns, strict=True), 1)
        return [name or f"column {place} without a name" for place, (name, column) in pairs if column is None]


def separator_of(line: str) -> str | None:
    """The delimiter that Excel's line ``sep=;`` names, if the line is one."""
    found = _SEPARATOR_LINE.fullmatch(line)
    return found[1] if found else None


def read_header(text: str, line: int, delimiter: str | None = None, reserved: Sequence[str] = ()) -> Header:
    """Read the record that names the columns. ``reserved`` are names that no column may have.

    Raises:
        HeaderError: a name is misspelt, reserved or there twice, or no name is of the data set.
    """
    candidates = delimiter or DELIMITERS
    rows = [(one, _names(text, one)) for one in candidates]
    found = max(rows, key=lambda row: (sum(key_of(name) in _BY_KEY for name in row[1]), len(row[1])))
    return _header(found[0], found[1], line, reserved)


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells of a record."""
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True), [""])


def _names(text: str, delimiter: str) -> list[str]:
    return [" ".join(name.split()) for name in cells_of(text, delimiter)]


def _header(delimiter: str, names: list[str], line: int, reserved: Sequence[str]) -> Header:
    if len(names) > MAX_COLUMNS:
        raise HeaderError([("", f"the header names {len(names)} columns; at most {MAX_COLUMNS} are read")], line)
    columns = [_BY_KEY.get(key_of(name)) for name in names]
    if not any(names):
        raise HeaderError([("", "the first line must name the columns")], line)
    errors = [
        (name, message)
        for place, name in enumerate(names)
        if (message := _error(name, columns[place], columns[:place], columns, reserved))
    ]
    if not errors and not any(columns):
        errors = [(names[0], _none_known(names))]
    if errors:
        raise HeaderError(errors, line)
    return Header(delimiter, tuple(names), tuple(columns))


def _error(
    name: str,
    column: Column | None,
    before: Sequence[Column | None],
    columns: Sequence[Column | None],
    reserved: Sequence[str],
) -> str | None:
    if column:
        return f"the header names column '{column.name}' twice" if column in before else None
    if name.casefold() in reserved:
        return f"column '{name}' belongs to a result; send the file without it"
    if (similar := misspelt(name)) and BY_NAME[similar] not in columns:
        return f"unknown field '{name[:80]}'; did you mean '{similar}'? If it is another column, rename it"
    return None


def misspelt(name: str) -> str | None:
    """The column that a name resembles. ``diag_4`` is not a misspelt ``diag_1``: it is another one of its kind."""
    key = key_of(name)
    similar = get_close_matches(key[:80], _BY_KEY, n=1, cutoff=_SIMILAR)
    if not similar or _DIGITS.sub("", key) == _DIGITS.sub("", similar[0]):
        return None
    return _BY_KEY[similar[0]].name


def _none_known(names: Sequence[str]) -> str:
    similar = get_close_matches(names[0][:80], COLUMN_NAMES, n=1)
    hint = f"did you mean '{similar[0]}'?" if similar else "the fields are listed under /docs"
    return f"no column of the header is of the data set; unknown field '{names[0][:80]}'; {hint}"


@lru_cache(4_096)
def key_of(name: str) -> str:
    """What names of the same column have in common, in any letter case and with other separators."""
    return _SEPARATORS.sub("", name.casefold())


_BY_KEY: Final = {key_of(name): column for name, column in BY_NAME.items()}
