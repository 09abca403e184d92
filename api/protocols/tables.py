"""Parsing that the protocols share: tables of rows or columns become records, NaN becomes unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.contract.field_errors import body_error, invalid_records
from api.errors import InvalidRecordsError
from ml.schema.code_systems import CodeSystem


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """A parsed request: its records, the client's id of it, its outputs, and its code system.

    ``is_valid`` tells records that were validated, and converted to ICD-9-CM, as they were read.
    ``outputs`` has the names of the requested outputs, and whether each is returned as binary data.
    """

    records: Sequence[Any]
    id: str | None = None
    outputs: Mapping[str, bool] = field(default_factory=dict)
    code_system: CodeSystem = CodeSystem.ICD9
    is_valid: bool = False


def invalid_body(name: str | None, message: str) -> InvalidRecordsError:
    """The exception for a body that is JSON, but not what the protocol defines."""
    return invalid_records([body_error(name, None, message)])


def records_of_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Records of a table by rows, each with one value per name; not validated."""
    return [{name: nan_to_none(value) for name, value in zip(names, row, strict=True)} for row in rows]


def records_of_columns(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Records of a table by columns of equal length; not validated."""
    return records_of_rows(tuple(columns), list(zip(*columns.values(), strict=True)))


def nan_to_none(value: Any) -> Any:
    """A value; None for NaN, with which pandas and numpy mark unknown values."""
    return None if isinstance(value, float) and value != value else value


def check_count(count: int, max_records: int) -> None:
    """Check the number of records.

    Raises:
        InvalidRecordsError: there are not 1 to `max_records` records.
    """
    if not 1 <= count <= max_records:
        raise invalid_body(None, f"a request must hold 1 to {max_records} records, not {count}")
