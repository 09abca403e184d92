"""What is wrong with a value, said in the words of the schema."""

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from api.contract.requests import FIELD_NAMES
from ml.schema import BY_NAME, Column

SHOWN = 80
"""Characters of a refused value that are shown."""

LISTED = 12
"""A message spells out at most this many allowed values; the list beside it has them all."""

_BIG = 2**53


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request body; its line, where the body is one of lines."""

    record: int | None
    field: str | None
    value: Any
    message: str
    allowed: tuple[str | int, ...] = ()
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As in the problem document."""
        return {
            **({} if self.line is None else {"line": self.line}),
            "record": self.record,
            "field": self.field,
            "value": self.value,
            "message": self.message,
            "allowed": list(self.allowed) or None,
        }


def body_fault(field: str | None, value: Any, message: str) -> Fault:
    """A fault outside the records."""
    return Fault(None, None if field is None else shorten(field), shown(value), message)


def record_fault(record: int, field: str | None, kind: str, value: Any) -> Fault:
    """A fault in a record.

    Args:
        record: index of the record in the request.
        field: its field, or None when the record as a whole is wrong.
        kind: Pydantic's name of the fault.
        value: what was given.
    """
    if field is None:
        return Fault(record, None, shown(value), "a record must be an object of field names and values")
    column = BY_NAME.get(field)
    if kind == "extra_forbidden" or column is None:
        return Fault(record, shorten(field), shown(value), unknown_field(field))
    given = shown(value)
    quoted = f"'{given}'" if isinstance(given, str) else json.dumps(given)
    return Fault(record, field, given, f"{field} must be {_expected(column)}, or null; {quoted} is not", column.allowed)


def cell_fault(record: int, line: int, column: Column, text: str) -> Fault:
    """A fault in a cell of a file.

    Args:
        record: index of the record in the file.
        line: number of its line.
        column: where the cell stands.
        text: what was given.
    """
    given = shorten(text)
    message = f"{column.name} must be {_expected(column)}, or empty; '{given}' is not"
    return Fault(record, column.name, given, message, column.allowed, line)


def shown(value: Any) -> Any:
    """A refused value as the answer repeats it: short, and always expressible in JSON."""
    match value:
        case None | bool():
            return value
        case int() if -_BIG < value < _BIG:
            return value
        case int():
            return shorten(hex(value) if value.bit_length() > 1024 else str(value))
        case str():
            return shorten(value)
        case float():
            return value if abs(value) < _BIG else str(value)
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        case _:
            return shorten(str(value))


def shorten(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _expected(column: Column) -> str:
    if len(column.allowed) > LISTED:
        return f"one of the {len(column.allowed)} allowed values"
    return column.expectation


def unknown_field(field: str) -> str:
    """Says that there is no such field, and which one may have been meant."""
    near = get_close_matches(field[:SHOWN], FIELD_NAMES, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "the fields are listed under /docs"
    return f"unknown field '{shorten(field)}'; {hint}"
