"""Field errors: what is invalid in a request, where, and what is allowed."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final

from pydantic import Field

from api.contract.requests import FIELD_NAMES
from api.errors import InvalidRecordsError
from ml.schema import BY_NAME, TARGET, Column, Kind, looks_like_icd10
from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import ErrorGroup, FileError, HeaderError
from ml.schema.identifiers import EXPECTATION

MAX_ERRORS: Final = 20
"""Field errors listed in a response; further ones are only counted."""

MAX_VALUE_LENGTH: Final = 80
"""Characters of an invalid value that are repeated."""

MAX_VALUES_IN_MESSAGE: Final = 12
"""Allowed values spelt out in a message; the field ``allowed`` always lists all of them."""

_BIG: Final = 2**53
_OF_FILES: Final = ("line", "lines", "count", "suggestion")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error in a request."""

    record: Annotated[int | None, Field(description="Index of the record, from 0.")]
    field: str | None
    value: Annotated[Any, Field(description="The invalid value, shortened.")]
    message: str
    allowed: Sequence[str | int] | None = None
    line: Annotated[int | None, Field(description="For a file: number of the first such line, from 1.")] = None
    lines: Annotated[Sequence[int] | None, Field(description="For a file: the first lines with this error.")] = None
    count: Annotated[int | None, Field(description="For a file: how many lines have this error.")] = None
    suggestion: Annotated[str | None, Field(description="For a file: the most similar allowed value.")] = None

    def to_json(self) -> dict[str, Any]:
        """The error as in the problem document; the members about files only for a file."""
        return {name: value for name, value in asdict(self).items() if value is not None or name not in _OF_FILES}


def body_error(field: str | None, value: Any, message: str) -> FieldError:
    """An error outside the records."""
    return FieldError(None, None if field is None else shorten(field), json_value(value), message)


def record_error(
    record: int, field: str | None, kind: str, value: Any, columns: Mapping[str, Column] = BY_NAME
) -> FieldError:
    """An error of Pydantic's type `kind` in a record; `field` is None if the record as a whole is invalid."""
    value = json_value(value)
    if field is None:
        return FieldError(record, None, value, "a record must be an object of field names and values")
    column = BY_NAME.get(field) if field == TARGET else columns.get(field)
    if column is None or (kind == "extra_forbidden" and field != TARGET):
        return FieldError(record, shorten(field), value, unknown_field(field))
    quoted = f"'{value}'" if isinstance(value, str) else json.dumps(value)
    message = f"{field} must be {_expectation(column)}, or null; {quoted} {_fault(column, value)}"
    if column.kind is Kind.ICD9 and isinstance(value, int | float) and not isinstance(value, bool):
        message = f'{field} must be text: write the code {quoted} in quotation marks, as "{quoted}"'
    return FieldError(record, field, value, message, column.allowed or None)


def group_error(group: ErrorGroup) -> FieldError:
    """The error of a CSV file that one or more of its lines have."""
    if group.column is None:
        return FieldError(group.record, None, None, group.text, None, group.lines[0], group.lines, group.count)
    column, value, suggestion = group.column, shorten(group.text), group.suggestion
    message = f"{column.name} must be {_expectation(column)}, or empty; '{value}' {_fault(column, group.text)}"
    if suggestion:
        message += f": did you mean '{suggestion}'?"
    if group.count > 1:
        message += f" ({group.count} times)"
    place = (group.lines[0], group.lines, group.count)
    return FieldError(group.record, column.name, value, message, column.allowed or None, *place, suggestion)


def file_error(error: FileError) -> InvalidRecordsError:
    """The exception for a file that cannot be read."""
    names = error.names if isinstance(error, HeaderError) else [(None, error.message)]
    errors = [FieldError(None, name and shorten(name), None, message, line=error.line) for name, message in names]
    return invalid_records(errors, len(errors))


def invalid_records(errors: Sequence[FieldError], count: int = 1, item: str = "record") -> InvalidRecordsError:
    """The exception for `count` errors, the first of which are given: its detail is the first one."""
    first = errors[0]
    place = "" if first.record is None else f"{item} {first.record}: "
    if first.line is not None:
        place = f"line {first.line}: "
    total = f" ({count} errors in total)" if count > 1 else ""
    detail = f"{place}{first.message}{total}."
    listed = [error.to_json() for error in errors[:MAX_ERRORS]]
    return InvalidRecordsError(detail[0].upper() + detail[1:], members={"errors": listed, "error_count": count})


def json_value(value: Any) -> Any:
    """An invalid value as the response repeats it: short, and always representable in JSON."""
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
    """A text cut to :data:`MAX_VALUE_LENGTH` characters."""
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1]}…"


def unknown_field(field: str) -> str:
    """The message for an unknown field, with the most similar field name."""
    similar = get_close_matches(field[:MAX_VALUE_LENGTH], FIELD_NAMES, n=1)
    hint = f"did you mean '{similar[0]}'?" if similar else "the fields are listed under /docs"
    return f"unknown field '{shorten(field)}'; {hint}"


def _fault(column: Column, value: Any) -> str:
    """The end of a message: what an invalid value is."""
    if column.kind is Kind.ICD9 and isinstance(value, str) and looks_like_icd10(value):
        return f"looks like ICD-10-CM: set code_system to {CodeSystem.ICD10}"
    if column.kind is Kind.ICD10 and BY_NAME[column.name].accepts(value):
        return f"looks like ICD-9-CM: set code_system to {CodeSystem.ICD9}"
    return "is not"


def unknown_parameter(name: str, names: Collection[str]) -> str:
    """The message for an unknown query parameter, given the known ones."""
    known = f"known: {', '.join(sorted(names))}" if names else "this route has none"
    return f"unknown query parameter '{shorten(name)}'; {known}"


def _expectation(column: Column) -> str:
    if column.kind is Kind.IDENTIFIER:
        return EXPECTATION
    if len(column.allowed) > MAX_VALUES_IN_MESSAGE:
        return f"one of the {len(column.allowed)} allowed values"
    return column.expectation
