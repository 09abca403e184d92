"""Parses the bytes of a body into validated records, or raises an error that names every invalid field."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from api.contract.field_errors import MAX_ERRORS, FieldError, body_error, invalid_records, record_error
from api.contract.requests import FIELD_NAMES, RECORDS_ADAPTER, REQUEST_ADAPTER
from api.errors import InvalidQueryError, MalformedBodyError
from ml.schema import Record

Item = TypeVar("Item")

CHUNK: Final = 256
"""Items validated at a time. Validation holds the interpreter lock; between chunks other threads can run."""

MAX_FIELDS: Final = 4 * len(FIELD_NAMES)
"""An item with more fields is rejected as a whole, without an error for each field."""


def parse_small(body: bytes, max_records: int) -> list[Record]:
    """Records of a small body in one pass; same result and errors as :func:`parse_large`."""
    try:
        records = REQUEST_ADAPTER.validate_json(body)["records"]
    except ValidationError:
        return parse_large(body, max_records)  # raises the detailed error
    return records if len(records) <= max_records else parse_large(body, max_records)


def parse_large(body: bytes, max_records: int) -> list[Record]:
    """Records of a body of any size.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not hold 1 to `max_records` valid records.
    """
    return validate_records(items_of(decode_json(body), "records", max_records))


def decode_json(body: bytes, *, allow_nan: bool = False) -> Any:
    """Decode a JSON body.

    Raises:
        MalformedBodyError: the body is not JSON.
    """
    try:
        return from_json(body, allow_inf_nan=allow_nan)
    except ValueError as error:
        raise MalformedBodyError(f"The body is not valid JSON: {error}.") from None


def items_of(document: Any, name: str, max_items: int) -> list[Any]:
    """The list in ``{name: [...]}``.

    Raises:
        InvalidRecordsError: the document has another form, or does not hold 1 to `max_items` items.
    """
    item = name.removesuffix("s")
    if not isinstance(document, dict):
        message = f'the body must be an object: {{"{name}": [{{...}}]}}'
        raise invalid_records([body_error(None, document, message)])
    if unknown := [key for key in document if key != name]:
        message = f"unknown field; only '{name}' is known"
        raise invalid_records([body_error(key, document[key], message) for key in unknown[:MAX_ERRORS]], len(unknown))
    items = document.get(name)
    if not isinstance(items, list):
        raise invalid_records([body_error(name, items, f"{name} must be a list of objects")])
    if not 1 <= len(items) <= max_items:
        message = f"{name} must hold 1 to {max_items} {item}s, not {len(items)}"
        raise invalid_records([body_error(name, None, message)])
    return items


def validate_records(rows: Sequence[Any]) -> list[Record]:
    """Validate decoded JSON records.

    Raises:
        InvalidRecordsError: some of the records are invalid.
    """

    def to_error(index: int, field: str | None, details: ErrorDetails) -> FieldError:
        return record_error(index, field, details["type"], details["input"])

    return validate_in_chunks(rows, RECORDS_ADAPTER, to_error, "record", len(FIELD_NAMES))


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
