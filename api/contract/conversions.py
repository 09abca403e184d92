"""Reports how the diagnoses of records were converted to ICD-9-CM."""

from collections.abc import Iterator, Sequence
from typing import Any

from ml.schema import Record
from ml.schema.code_systems import ConvertedRecord


def converted_codes(records: Sequence[Record]) -> list[dict[str, Any]] | None:
    """The codes of each record by field, as in the response; None if the records were in ICD-9-CM."""
    return [record.codes for record in records if isinstance(record, ConvertedRecord)] or None


def conversion_warnings(record: Record) -> Iterator[tuple[str, str]]:
    """The fields whose conversion loses something, and what it loses."""
    if isinstance(record, ConvertedRecord):
        for field, conversion in record.conversions.items():
            if conversion.warning is not None:
                yield field, conversion.warning
