"""Parses the bytes of a body into validated records, or raises an error that names every invalid field."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from api.contract.field_errors import MAX_ERRORS, FieldError, body_error, invalid_records, record_error, shorten
from api.contract.record_columns import RecordColumns, columns_if_canonical
from api.contract.requests import FIELD_NAMES, RECORDS_ADAPTERS, REQUEST_ADAPTER
from api.errors import InvalidQueryError, MalformedBodyError
from ml.schema import BY_NAME, TARGET, UNKNOWN, Record
from ml.schema.code_systems import CODE_SYSTEM, COLUMNS_IN, CodeSystem, ConvertedRecord

Item = TypeVar("Item")

FLAGS: Final = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
"""Accepted values of query parameters that are true or false, in lower case."""

CHUNK: Final = 256
"""Items validated at a time. Validation holds the interpreter lock; between chunks other threads can run."""

MAX_FIELDS: Final = 4 * len(FIELD_NAMES)
"""An item with more fields is rejected as a whole, without an error for each field."""

_RECORD_FIELDS: Final = frozenset(FIELD_NAMES)
_CODE_SYSTEM_KEY: Final = f'"{CODE_SYSTEM}"'.encode()
_KNOWN_NAMES: Final = _RECORD_FIELDS | {TARGET}


def parse_small(body: bytes, max_records: int) -> list[Record]:
    """Records of a small body in one pass; same result and errors as :func:`parse_large`."""
    try:
        request = REQUEST_ADAPTER.validate_json(body)
    except ValidationError:
        return parse_large(body, max_records)  # accepts other spellings, or raises the detailed error
    records: list[Record] = request["records"]
    is_usual = len(records) <= max_records and request.get(CODE_SYSTEM) in (None, CodeSystem.ICD9)
    # More colons than keys: an identifier has some, or a key is repeated, of which the parser keeps the last.
    keys = 1 + (_CODE_SYSTEM_KEY in body) + sum(map(len, records))
    return records if is_usual and body.count(b":") <= keys else parse_large(body, max_records)


def parse_large(body: bytes, max_records: int) -> list[Record]:
    """Records of a body of any size.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not hold 1 to `max_records` valid records.
    """
    document = decode_json(body)
    rows = items_of(document, "records", max_records, CODE_SYSTEM, fields=_RECORD_FIELDS)
    return validate_records(rows, code_system_of(document.get(CODE_SYSTEM)))


def parse_batch(body: bytes, max_records: int) -> RecordColumns:
    """Records of a body of any size, by column; same records and errors as :func:`parse_large`."""
    return _parse_canonical(body, max_records) or RecordColumns(parse_large(body, max_records))


def _parse_canonical(body: bytes, max_records: int) -> RecordColumns | None:
    """The records of a body that holds nothing but valid records in the spelling of the data set, else None."""
    try:
        document = from_json(body, allow_inf_nan=False)  # shares equal texts, so that they stay in the cache
    except ValueError:
        return None
    if not isinstance(document, dict) or not document.keys() <= {"records", CODE_SYSTEM}:
        return None
    rows = document.get("records")
    if not isinstance(rows, list) or not 1 <= len(rows) <= max_records:
        return None
    if document.get(CODE_SYSTEM) not in (None, CodeSystem.ICD9):
        return None
    if (columns := columns_if_canonical(rows)) is None:
        return None
    # More colons than keys: an identifier has some, or a key is repeated.
    keys = len(document) + sum([len(row) for row in rows])
    return columns if body.count(b":") == keys else None


def decode_json(body: bytes, *, allow_nan: bool = False) -> Any:
    """Decode a JSON body; a byte order mark is skipped.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: an object of the body repeats a key.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        document = from_json(body, allow_inf_nan=allow_nan)
    except ValueError as error:
        raise MalformedBodyError(f"The body is not valid JSON: {_json_error(body, error)}.") from None
    check_repeated_keys(body, document)
    return document


def items_of(document: Any, name: str, max_items: int, *optional: str, fields: Set[str]) -> list[Any]:
    """The list in ``{name: [...]}`` of items with some of `fields`; the document may have `optional` members too.

    Raises:
        InvalidRecordsError: the document has another form, or does not hold 1 to `max_items` items.
    """
    item = name.removesuffix("s")
    if isinstance(document, list):
        message = f'the body is a list: send it as {{"{name}": [...]}}'
        raise invalid_records([body_error(None, document, message)])
    if not isinstance(document, dict):
        message = f'the body must be an object: {{"{name}": [{{...}}]}}'
        raise invalid_records([body_error(None, document, message)])
    if name not in document and not fields.isdisjoint(document):
        message = f'the body is a single {item}: send it as {{"{name}": [{{...}}]}}'
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

    As in a file, ``?`` is unknown, and the outcome ``readmitted`` is dropped.

    Raises:
        InvalidRecordsError: some of the records are invalid.
    """
    columns = COLUMNS_IN[code_system]

    def to_error(index: int, field: str | None, details: ErrorDetails) -> FieldError:
        return record_error(index, field, details["type"], details["input"], columns)

    adapter = RECORDS_ADAPTERS[code_system]
    records = validate_in_chunks(rows, adapter, to_error, "record", len(FIELD_NAMES), _normalize)
    return records if code_system is CodeSystem.ICD9 else [ConvertedRecord(record) for record in records]


def validate_batch(rows: Sequence[Any], code_system: CodeSystem = CodeSystem.ICD9) -> RecordColumns:
    """The records of :func:`validate_records`, by column."""
    columns = columns_if_canonical(rows) if code_system is CodeSystem.ICD9 else None
    return columns or RecordColumns(validate_records(rows, code_system))


def validate_in_chunks(
    rows: Sequence[Any],
    adapter: TypeAdapter[list[Item]],
    to_error: Callable[[int, str | None, ErrorDetails], FieldError],
    item: str,
    fields: int,
    normalize: Callable[[Any], Any] | None = None,
) -> list[Item]:
    """Validate a list in chunks; a chunk with invalid items is validated again with the items that `normalize` returns.

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
            valid += _validate(chunk, adapter, normalize)
        except ValidationError as error:
            count += error.error_count()
            if len(errors) < MAX_ERRORS:
                for details in error.errors(include_url=False, include_context=False):
                    index, *path = details["loc"]
                    errors.append(to_error(start + int(index), str(path[0]) if path else None, details))
    if count:
        raise invalid_records(errors, count, item)
    return valid


def _validate(
    chunk: Sequence[Any], adapter: TypeAdapter[list[Item]], normalize: Callable[[Any], Any] | None
) -> list[Item]:
    try:
        return adapter.validate_python(chunk)
    except ValidationError:
        if normalize is None:
            raise
    return adapter.validate_python([normalize(item) for item in chunk])


def _normalize(record: Any) -> Any:
    """A record without what a file may have too: unknown values as ``?``, and a valid outcome."""
    if not isinstance(record, dict):
        return record
    known = {name: value for name, value in record.items() if value != UNKNOWN or name not in _KNOWN_NAMES}
    if known.get(TARGET, "") is None or BY_NAME[TARGET].accepts(known.get(TARGET)):
        del known[TARGET]
    return known


def _json_error(body: bytes, error: ValueError) -> str:
    """What is wrong with a body that is not JSON."""
    try:
        from_json(body, allow_inf_nan=True)
    except ValueError:
        return str(error)
    return "it has NaN or Infinity; write null for an unknown value"


def check_repeated_keys(body: bytes, document: Any) -> None:
    """Check that no object of a body repeats a key, of which the parser keeps only the last.

    Raises:
        InvalidRecordsError: naming the repeated keys.
    """
    # The encoded document has all colons of the body, but for those after repeated keys. Encoding takes a tenth of the
    # time of decoding.
    if body.count(b":") <= to_json(document, inf_nan_mode="constants").count(b":"):
        return
    repeated: dict[str, None] = {}  # in the order of the body

    def collect(pairs: list[tuple[str, Any]]) -> None:
        names = set()
        for name, _ in pairs:
            if name in names:
                repeated[name] = None
            names.add(name)

    json.loads(body, object_pairs_hook=collect)
    errors = [body_error(name, None, f"key '{shorten(name)}' is repeated in an object") for name in repeated]
    raise invalid_records(errors, len(errors))


def parse_flag(query: bytes, name: str) -> bool:
    """A boolean query parameter; absent means false.

    Raises:
        InvalidQueryError: the value is none of :data:`FLAGS`, or the parameter is repeated.
    """
    if not query:
        return False
    values = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True).get(name, ["false"])
    if len(values) == 1 and (flag := FLAGS.get(values[0].lower())) is not None:
        return flag
    message = f"{name} must be true or false, once"
    errors = [body_error(name, ",".join(values), message).to_json()]
    raise InvalidQueryError(f"{message}.", members={"errors": errors, "error_count": 1})


def parse_code_system(query: bytes) -> CodeSystem | None:
    """The query parameter `code_system`; None if it is absent.

    Raises:
        InvalidRecordsError: there is no such code system, or the parameter is repeated.
    """
    values = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True).get(CODE_SYSTEM)
    return code_system_of(",".join(values)) if values else None
