"""What the protocols have in common: JSON that pandas and numpy write, and tables that are to become records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from api.contract.parsing import refusal
from api.contract.validation_errors import body_fault
from api.errors import InvalidRecordsError, MalformedBodyError


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        records: not yet checked one by one, unless they were read from a file.
        id: the request's own id, if it has one.
        outputs: names of the answers that it wants, where it may choose.
    """

    records: Sequence[Any]
    id: str | None = None
    outputs: Sequence[str] = ()


def read_json(body: bytes) -> Any:
    """A decoded body; NaN is read, since Python's clients write it for what is missing.

    Raises:
        MalformedBodyError: it is not JSON.
    """
    try:
        return from_json(body)
    except ValueError as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None


def refused(field: str | None, message: str) -> InvalidRecordsError:
    """The error of a body that is JSON, but not what the protocol has."""
    return refusal([body_fault(field, None, message)], 1)


def records_of_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Unchecked records of a table given by rows; each of them has one value per name."""
    return [{name: known(value) for name, value in zip(names, row, strict=True)} for row in rows]


def records_of_columns(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Unchecked records of a table given by columns of equal length."""
    return records_of_rows(tuple(columns), list(zip(*columns.values(), strict=True)))


def known(value: Any) -> Any:
    """A value, or None for NaN, which is how pandas and numpy say unknown."""
    return None if isinstance(value, float) and value != value else value


def check_count(count: int, most: int) -> None:
    """Make sure that there are 1 to so many records.

    Raises:
        InvalidRecordsError: there are not.
    """
    if not 1 <= count <= most:
        raise refused(None, f"a request must hold 1 to {most} records, not {count}")
