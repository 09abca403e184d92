"""MLflow's scoring protocol: the documents that ``mlflow models serve`` takes, as records.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input
"""

from typing import Any, Final

from pydantic import BaseModel, Field

from api.contract.csv_reader import CsvIntake
from api.contract.requests import FIELD_NAMES, RECORD
from api.protocols.tables import Asked, check_count, known, read_json, records_of_columns, records_of_rows, refused

MLFLOW_VERSION: Final = "3.17.2"
"""The MLflow whose protocol this is. A test holds it to the one that models are logged with."""

SPLIT: Final = "dataframe_split"
RECORDS: Final = "dataframe_records"
INPUTS: Final = "inputs"
INSTANCES: Final = "instances"
FORMATS: Final = (SPLIT, RECORDS, INPUTS, INSTANCES)

_PARAMS: Final = "params"
_SPLIT_MEMBERS: Final = frozenset({"columns", "data", "index"})

REQUEST: Final = "InvocationRequest"
_RECORD_LIST: Final = {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{RECORD}"}}
_TABLE: Final = {
    "type": "object",
    "properties": {
        "columns": {"type": "array", "uniqueItems": True, "items": {"type": "string", "enum": list(FIELD_NAMES)}},
        "data": {"type": "array", "minItems": 1, "items": {"type": "array", "items": {}}},
        "index": {"type": "array", "items": {}},
    },
    "required": ["columns", "data"],
    "additionalProperties": False,
}
_VALUE_LISTS: Final = {
    "type": "object",
    "properties": {name: {"type": "array", "minItems": 1, "items": {}} for name in FIELD_NAMES},
    "additionalProperties": False,
}
_DOCUMENTS: Final = {
    SPLIT: _TABLE,
    RECORDS: _RECORD_LIST,
    INPUTS: {"anyOf": [_RECORD_LIST, _VALUE_LISTS]},
    INSTANCES: _RECORD_LIST,
}
REQUEST_SCHEMA: Final[dict[str, Any]] = {
    "title": REQUEST,
    "description": "Encounters to score, in one of four forms. Unknown: null, NaN or absent.",
    "oneOf": [
        {"type": "object", "properties": {form: schema}, "required": [form], "additionalProperties": False}
        for form, schema in _DOCUMENTS.items()
    ],
}
"""How the service's document describes a body."""


class InvocationsResponse(BaseModel):
    """Calibrated probabilities of readmission within 30 days, in the order of the records."""

    predictions: list[float] = Field(examples=[[0.18]])


class InvocationsError(BaseModel):
    """What went wrong, as MLflow tells it."""

    error_code: str = Field(examples=["BAD_REQUEST"])
    message: str


def read_invocation(body: bytes, max_records: int) -> Asked:
    """Read a JSON body.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it is not one of the four documents, or holds no or too many records.
    """
    document = read_json(body)
    form = _form_of(document)
    value = document[form]
    if form == SPLIT:
        rows = _split(value, max_records)
    elif isinstance(value, dict) and form == INPUTS:
        rows = _columns(value, max_records)
    elif isinstance(value, list):
        rows = [_clean(row) for row in value] if len(value) <= max_records else value
    else:
        raise refused(form, f"{form} must be a list of objects")
    check_count(len(rows), max_records)
    return Asked(rows)


def read_csv(body: bytes, max_records: int) -> Asked:
    """Read a CSV body, as :mod:`api.contract.csv_rows` describes it.

    Raises:
        MalformedBodyError: it is not text.
        InvalidRecordsError: it does not hold 1 to `max_records` valid records.
    """
    intake = CsvIntake(max_records)
    intake.take(body)
    return Asked(intake.finish().records())


def _form_of(document: Any) -> str:
    if not isinstance(document, dict):
        raise refused(None, f"the body must be an object with one of {', '.join(FORMATS)}")
    given = [form for form in FORMATS if form in document]
    if len(given) != 1:
        raise refused(None, f"the body must have exactly one of {', '.join(FORMATS)}; it has {len(given)} of them")
    for name, value in document.items():
        if name == _PARAMS and value:
            raise refused(_PARAMS, "this model takes no params")
        if name not in (*given, _PARAMS):
            raise refused(name, f"unknown field beside {given[0]}")
    return given[0]


def _split(table: Any, max_records: int) -> list[Any]:
    if not isinstance(table, dict) or not {"columns", "data"} <= table.keys() <= _SPLIT_MEMBERS:
        raise refused(SPLIT, f"{SPLIT} must be an object with columns, data and, if need be, index")
    names, data = table["columns"], table["data"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refused("columns", "columns must be a list of field names")
    if len(set(names)) < len(names):
        raise refused("columns", "columns must name no field twice")
    if not isinstance(data, list):
        raise refused("data", "data must be a list of rows")
    check_count(len(data), max_records)
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise refused("data", f"row {index} of data must be a list of {len(names)} values, as columns has names")
    return records_of_rows(names, data)


def _columns(columns: dict[str, Any], max_records: int) -> list[Any]:
    """As a dict of lists; or of values, which then are those of one record."""
    lists = [value for value in columns.values() if isinstance(value, list)]
    if not lists:
        return [_clean(columns)]
    if len(lists) < len(columns) or len({len(value) for value in lists}) > 1:
        raise refused(INPUTS, "the lists in inputs must be of one length")
    check_count(len(lists[0]), max_records)
    return records_of_columns(columns)


def _clean(row: Any) -> Any:
    return {name: known(value) for name, value in row.items()} if isinstance(row, dict) else row
