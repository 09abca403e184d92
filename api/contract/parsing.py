"""From the bytes of a body to validated records, or to an error that names what is wrong."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError
from pydantic_core import from_json

from api.contract.requests import FIELD_NAMES, RECORDS_ADAPTER, REQUEST_ADAPTER
from api.contract.validation_errors import Fault, body_fault, record_fault
from api.errors import InvalidQueryError, InvalidRecordsError, MalformedBodyError
from ml.schema import Record

CHUNK = 256
"""Records validated at a time. Validation holds the interpreter lock; other requests get a turn in between."""

MAX_FAULTS = 20
"""Faults listed in an answer; more are only counted."""

MAX_FIELDS = 4 * len(FIELD_NAMES)
"""A record with more fields than this is refused as a whole, not field by field."""


def read_small(body: bytes, max_records: int) -> list[Record]:
    """Records of a small body, in one pass; same answers as :func:`read_large`."""
    try:
        records = REQUEST_ADAPTER.validate_json(body)["records"]
    except ValidationError:
        return read_large(body, max_records)  # which tells what is wrong
    return records if len(records) <= max_records else read_large(body, max_records)


def read_large(body: bytes, max_records: int) -> list[Record]:
    """Records of a body of any size.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it is JSON, but not 1 to `max_records` valid records.
    """
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None
    return check_rows(_rows_of(document, max_records))


def check_rows(rows: Sequence[Any]) -> list[Record]:
    """Records of decoded JSON, whatever document it came in.

    Raises:
        InvalidRecordsError: not all of them are valid records.
    """
    records: list[Record] = []
    faults: list[Fault] = []
    count = 0
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        wide = [index for index, row in enumerate(chunk) if isinstance(row, dict) and len(row) > MAX_FIELDS]
        if wide:
            faults += [_too_wide(start + index, len(chunk[index])) for index in wide]
            count += len(wide)
            continue
        try:
            records += RECORDS_ADAPTER.validate_python(chunk)
        except ValidationError as error:
            count += error.error_count()
            if len(faults) < MAX_FAULTS:
                faults += _faults_of(error, start)
    if count:
        raise refusal(faults, count)
    return records


def read_flag(query: bytes, name: str) -> bool:
    """A boolean parameter of the address, absent means false.

    Raises:
        InvalidQueryError: it is neither true nor false, or given twice.
    """
    if not query:
        return False
    match parse_qs(query.decode("ascii", "replace"), keep_blank_values=True).get(name):
        case None | ["false"]:
            return False
        case ["true"]:
            return True
        case given:
            fault = body_fault(name, ",".join(given), f"{name} must be true or false, once")
            raise InvalidQueryError(f"{name} must be true or false, once.", fault.as_json())


def _rows_of(document: Any, max_records: int) -> list[Any]:
    """The value of ``records``, when it is a list of an allowed length and stands alone."""
    if not isinstance(document, dict):
        raise refusal([body_fault(None, document, 'the body must be an object: {"records": [{...}]}')], 1)
    if unknown := [name for name in document if name != "records"]:
        faults = [
            body_fault(name, document[name], "unknown field; only 'records' is known") for name in unknown[:MAX_FAULTS]
        ]
        raise refusal(faults, len(unknown))
    rows = document.get("records")
    if not isinstance(rows, list):
        raise refusal([body_fault("records", rows, "records must be a list of objects")], 1)
    if not 1 <= len(rows) <= max_records:
        message = f"records must hold 1 to {max_records} records, not {len(rows)}"
        raise refusal([body_fault("records", None, message)], 1)
    return rows


def _faults_of(error: ValidationError, start: int) -> Iterator[Fault]:
    for details in error.errors(include_url=False, include_context=False):
        index, *path = details["loc"]
        yield record_fault(start + int(index), str(path[0]) if path else None, details["type"], details["input"])


def _too_wide(index: int, fields: int) -> Fault:
    return Fault(index, None, None, f"the record has {fields} fields; the schema knows {len(FIELD_NAMES)}")


def refusal(faults: list[Fault], count: int) -> InvalidRecordsError:
    """The error that names the first of the faults, and lists some of them."""
    first = faults[0]
    place = "" if first.record is None else f"record {first.record}: "
    if first.line is not None:
        place = f"line {first.line}: "
    more = f" ({count} faults in all)" if count > 1 else ""
    detail = f"{place}{first.message}{more}."
    listed = [fault.as_json() for fault in faults[:MAX_FAULTS]]
    return InvalidRecordsError(detail[0].upper() + detail[1:], listed, count)
