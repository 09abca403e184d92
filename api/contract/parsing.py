"""Parses the bytes of a body into validated records, or raises an error that names every invalid field."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from api.contract.field_errors import MAX_ERRORS, FieldError, body_error, invalid_records, record_error
from api.contract.requests import FIELD_NAMES, RECORDS_ADAPTERS, REQUEST_ADAPTER
from api.errors import InvalidQueryError, MalformedBodyError
from ml.schema import Record
from ml.schema.code_systems import CODE_SYSTEM, COLUMNS_IN, CodeSystem, ConvertedRecord

Item = TypeVar("Item")

CHUNK: Final = 256
"""Items validated at a time. Validation holds the interpreter lock; between chunks other threads can run."""

MAX_FIELDS: Final = 4 * len(FIELD_NAMES)
"""An item with more fields is rejected as a whole, without an error for each field."""


def parse_small(body: bytes, max_records: int) -> list[Record]:
    """Records of a small body in one pass; same result and errors as :func:`parse_large`."""
    try:
        request = REQUEST_ADAPTER.validate_json(body)
    except ValidationError:
        return parse_large(body, max_records)  # raises the detailed error, or the codes are of the other system
    records: list[Record] = request["records"]
    is_usual = len(records) <= max_records and request.get(CODE_SYSTEM) in (None, CodeSystem.ICD9)
    return records if is_usual else parse_large(body, max_records)


def parse_large(body: bytes, max_records: int) -> list[Record]:
    """Records of a body of any size.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not hold 1 to `max_records` valid records.
    """
    document = decode_json(body)
    rows = items_of(document, "records", max_records, CODE_SYSTEM)
    return validate_records(rows, code_system_of(document.get(CODE_SYSTEM)))


def decode_json(body: bytes, *, allow_nan: bool = False) -> Any:
    """Decode a JSON body.

    Raises:
        MalformedBodyError: the body is not JSON.
    """
    try:
        return from_json(body, allow_inf_nan=allow_nan)
    except ValueError as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None


def items_of(document: Any, name: str, max_items: int, *optional: str) -> list[Any]:
    """The list in ``{name: [...]}``; the document may have `optional` members too.

    Raises:
        InvalidRecordsError: the document has another form, or does not hold 1 to `max_items` items.
    """
    item = name.removesuffix("s")
    if not isinstance(document, dict):
        message = f'the body must be an object: {{"{name}": [{{...}}]}}'
        raise invalid_records([body_error(None, document, message)])
    if unknown := [key for key in document if key not in (name, *optional)]:
        message = f"unknown field; only '{name}' is known"
        raise invalid_records([body_error(key, document[key], message) for key in unknown[:MAX_ERRORS]], len(unknown))
    items = document.get(name)
    if not isinstance(items, list):
        raise invalid_records([body_error(name, items, f"{name} must be a list of objects")])
    if not 1 <= len(items) <= max_items:
        message = f"{name} must hold 1 to {max_items} {item}s, not {len(items)}"
        raise invalid_records([body_error(name, None, message)])
    return items


def code_system_of(name: Any) -> CodeSystem:
    """The code system of a name in any letter case; None is the default.

    Raises:
        InvalidRecordsError: there is no such code system.
    """
    if name is None:
        return CodeSystem.ICD9
    try:
        return CodeSystem(name.strip().lower() if isinstance(name, str) else name)
    except ValueError:
        error = body_error(CODE_SYSTEM, name, f"{CODE_SYSTEM} must be {' or '.join(CodeSystem)}")
        raise invalid_records([replace(error, allowed=tuple(CodeSystem))]) from None


def validate_records(rows: Sequence[Any], code_system: CodeSystem = CodeSystem.ICD9) -> list[Record]:
    """Validate decoded JSON records, and convert their diagnoses to ICD-9-CM.

    Raises:
        InvalidRecordsError: some of the records are invalid.
    """
    columns = COLUMNS_IN[code_system]

    def to_error(index: int, field: str | None, details: ErrorDetails) -> FieldError:
        return record_error(index, field, details["type"], details["input"], columns)

    records = validate_in_chunks(rows, RECORDS_ADAPTERS[code_system], to_error, "record", len(FIELD_NAMES))
    return records if code_system is CodeSystem.ICD9 else [ConvertedRecord(record) for record in records]


def validate_in_chunks(
    rows: Sequence[Any],
    adapter: TypeAdapter[list[Item]],
    to_error: Callable[[int, str | None, ErrorDetails], FieldError],
    item: str,
    fields: int,
) -> list[Item]:
    """Validate a list in chunks.

    `to_error` makes a field error of the index in `rows`, the field and Pydantic's error. `item` names what the list
    holds, and `fields` is the number of fields that it may have.

    Raises:
        InvalidRecordsError: some of the items are invalid.
    """
    valid: list[Item] = []
    errors: list[FieldError] = []
    count = 0
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        wide = [index for index, row in enumerate(chunk) if isinstance(row, dict) and len(row) > MAX_FIELDS]
        if wide:
            message = f"the {item} has {len(chunk[wide[0]])} fields; the schema has {fields}"
            errors += [FieldError(start + index, None, None, message) for index in wide]
            count += len(wide)
            continue
        try:
            valid += adapter.validate_python(chunk)
        except ValidationError as error:
            count += error.error_count()
            if len(errors) < MAX_ERRORS:
                for details in error.errors(include_url=False, include_context=False):
                    index, *path = details["loc"]
                    errors.append(to_error(start + int(index), str(path[0]) if path else None, details))
    if count:
        raise invalid_records(errors, count, item)
    return valid


def parse_flag(query: bytes, name: str) -> bool:
    """A boolean query parameter; absent means false.

    Raises:
        InvalidQueryError: the value is neither true nor false, or the parameter is repeated.
    """
    if not query:
        return False
    match parse_qs(query.decode("ascii", "replace"), keep_blank_values=True).get(name):
        case None | ["false"]:
            return False
        case ["true"]:
            return True
        case values:
            message = f"{name} must be true or false, once"
            errors = [body_error(name, ",".join(values), message).to_json()]
            raise InvalidQueryError(f"{message}.", members={"errors": errors, "error_count": 1})


def parse_code_system(query: bytes) -> CodeSystem:
    """The query parameter `code_system`; absent means the default.

    Raises:
        InvalidRecordsError: there is no such code system, or the parameter is repeated.
    """
    values = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True).get(CODE_SYSTEM)
    return code_system_of(",".join(values) if values else None)
