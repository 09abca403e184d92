"""MLflow's scoring protocol: parses the request formats of ``mlflow models serve`` into records.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#json-input
"""

from typing import Any, Final

from pydantic import BaseModel, Field

from api.contract.csv_reader import CsvParser
from api.contract.field_errors import unknown_field
from api.contract.parsing import code_system_of, decode_json
from api.contract.requests import CODE_SYSTEM_DESCRIPTION, FIELD_NAMES, RECORD
from api.contract.responses import ConvertedCode, RecordWarning
from api.protocols.tables import (
    ScoringRequest,
    check_count,
    invalid_body,
    nan_to_none,
    records_of_columns,
    records_of_rows,
)
from ml.schema.code_systems import CODE_SYSTEM, CodeSystem

MLFLOW_VERSION: Final = "3.17.2"
"""MLflow's version of the protocol. A test compares it with the version that logs the models."""

SPLIT: Final = "dataframe_split"
RECORDS: Final = "dataframe_records"
INPUTS: Final = "inputs"
INSTANCES: Final = "instances"
FORMATS: Final = (SPLIT, RECORDS, INPUTS, INSTANCES)

_PARAMS: Final = "params"
_SPLIT_MEMBERS: Final = frozenset({"columns", "data", "index"})

REQUEST: Final = "InvocationRequest"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_TABLE: Final = {
    "type": "object",
    "title": "DataframeSplit",
    "description": "A table by rows, as `DataFrame.to_dict(orient='split')` writes it.",
    "properties": {
        "columns": {"type": "array", "uniqueItems": True, "items": {"type": "string", "enum": list(FIELD_NAMES)}},
        "data": {"type": "array", "minItems": 1, "items": {"type": "array", "items": {}}},
        "index": {"type": "array", "items": {}},
    },
    "required": ["columns", "data"],
    "additionalProperties": False,
}
_COLUMNS: Final = {
    "type": "object",
    "title": "RecordColumns",
    "description": "A table by columns: a list of values per field, all of the same length.",
    "properties": {name: {"type": "array", "minItems": 1, "items": {}} for name in FIELD_NAMES},
    "additionalProperties": False,
}
_FORMATS: Final = {
    "DataframeSplitRequest": (SPLIT, _reference("DataframeSplit")),
    "DataframeRecordsRequest": (RECORDS, _reference("RecordList")),
    "InputsRequest": (INPUTS, {"anyOf": [_reference("RecordList"), _reference("RecordColumns")]}),
    "InstancesRequest": (INSTANCES, _reference("RecordList")),
}
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    REQUEST: {
        "title": REQUEST,
        "description": "Encounters to score, in one of four formats. Unknown: null, NaN or absent.",
        "oneOf": [_reference(name) for name in _FORMATS],
    },
    "DataframeSplit": _TABLE,
    "RecordList": {"type": "array", "title": "RecordList", "minItems": 1, "items": _reference(RECORD)},
    "RecordColumns": _COLUMNS,
    "InvocationParams": {
        "type": "object",
        "title": "InvocationParams",
        "properties": {
            CODE_SYSTEM: {
                "anyOf": [_reference(CodeSystem.__name__), {"type": "null"}],
                "description": CODE_SYSTEM_DESCRIPTION,
            }
        },
        "additionalProperties": False,
    },
    **{
        title: {
            "type": "object",
            "title": title,
            "properties": {name: schema, _PARAMS: _reference("InvocationParams")},
            "required": [name],
            "additionalProperties": False,
        }
        for title, (name, schema) in _FORMATS.items()
    },
}
"""JSON schemas of a body and of its parts; each has a name, for generators of clients."""


class InvocationsResponse(BaseModel):
    """Calibrated probabilities of readmission within 30 days, in the order of the records."""

    predictions: list[float] = Field(examples=[[0.18]])
    outside_population: list[str | None] = Field([], description="As of POST /predict; only if a record is outside.")
    warnings: list[RecordWarning] = Field([], description="As of POST /predict; only if there are any.")
    codes: list[dict[str, ConvertedCode]] = Field(
        [], description=f"As of POST /predict; only with `{CODE_SYSTEM}` {CodeSystem.ICD10}."
    )


class InvocationsError(BaseModel):
    """An error in MLflow's format."""

    error_code: str = Field(examples=["BAD_REQUEST"])
    message: str


def parse_invocation(body: bytes, max_records: int, code_system: CodeSystem | None = None) -> ScoringRequest:
    """Parse a JSON body; `code_system` is that of the query, if it has one.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body has none of the four formats, or not 1 to `max_records` records.
    """
    document = decode_json(body, allow_nan=True)
    name = _format_of(document)
    value = document[name]
    if name == SPLIT:
        rows = _rows_of_split(value, max_records)
    elif isinstance(value, dict) and name == INPUTS:
        rows = _rows_of_columns(value, max_records)
    elif isinstance(value, list):
        rows = [_clean(row) for row in value] if len(value) <= max_records else value
    else:
        raise invalid_body(name, f"{name} must be a list of objects")
    check_count(len(rows), max_records)
    parameter = (document.get(_PARAMS) or {}).get(CODE_SYSTEM)
    named = code_system if parameter is None else code_system_of(parameter)
    if code_system not in (None, named):
        raise invalid_body(_PARAMS, f"{CODE_SYSTEM} is {code_system} in the query and {named} in {_PARAMS}")
    return ScoringRequest(rows, code_system=named or CodeSystem.ICD9)


def parse_csv(body: bytes, max_records: int, code_system: CodeSystem | None = None) -> ScoringRequest:
    """Parse a CSV body; see :mod:`api.contract.csv_reader`. Foreign columns are refused, as in JSON.

    Raises:
        InvalidRecordsError: the body does not hold 1 to `max_records` valid records.
    """
    parser = CsvParser(max_records, code_system or CodeSystem.ICD9)
    parser.feed(body)
    file = parser.finish()
    if foreign := file.reader.header.foreign:
        raise invalid_body(foreign[0], unknown_field(foreign[0]))
    return ScoringRequest(file.records(), is_valid=True)


def _format_of(document: Any) -> str:
    if not isinstance(document, dict):
        raise invalid_body(None, f"the body must be an object with one of {', '.join(FORMATS)}")
    present = [name for name in FORMATS if name in document]
    if len(present) != 1:
        raise invalid_body(
            None, f"the body must have exactly one of {', '.join(FORMATS)}; it has {len(present)} of them"
        )
    for name, value in document.items():
        if name == _PARAMS and value and (not isinstance(value, dict) or value.keys() != {CODE_SYSTEM}):
            raise invalid_body(_PARAMS, f"this model takes no params but {CODE_SYSTEM}")
        if name not in (*present, _PARAMS):
            raise invalid_body(name, f"unknown field beside {present[0]}")
    return present[0]


def _rows_of_split(table: Any, max_records: int) -> list[Any]:
    if not isinstance(table, dict) or not {"columns", "data"} <= table.keys() <= _SPLIT_MEMBERS:
        raise invalid_body(SPLIT, f"{SPLIT} must be an object with columns, data and, optionally, index")
    names, data = table["columns"], table["data"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise invalid_body("columns", "columns must be a list of field names")
    if len(set(names)) < len(names):
        raise invalid_body("columns", "columns must not repeat a field")
    if not isinstance(data, list):
        raise invalid_body("data", "data must be a list of rows")
    check_count(len(data), max_records)
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise invalid_body("data", f"row {index} of data must be a list of {len(names)} values, one per column")
    return records_of_rows(names, data)


def _rows_of_columns(columns: dict[str, Any], max_records: int) -> list[Any]:
    """Records of lists by column; single values are one record."""
    lists = [value for value in columns.values() if isinstance(value, list)]
    if not lists:
        return [_clean(columns)]
    if len(lists) < len(columns) or len({len(value) for value in lists}) > 1:
        raise invalid_body(INPUTS, "the lists in inputs must have the same length")
    check_count(len(lists[0]), max_records)
    return records_of_columns(columns)


def _clean(row: Any) -> Any:
    return {name: nan_to_none(value) for name, value in row.items()} if isinstance(row, dict) else row
