"""Open Inference Protocol, version 2: one tensor for each field of a record in, three tensors of answers out.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, NotRequired, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from api.contract.requests import FIELD_NAMES
from api.contract.validation_errors import shorten, unknown_field
from api.errors import MalformedBodyError
from api.protocols.tables import Asked, check_count, known, records_of_columns, refused
from api.scoring.core import Scored
from ml.schema import BY_NAME, EXAMPLE_RECORD, UNKNOWN

TEXT: Final = "BYTES"
WHOLE: Final = "INT64"
NUMBERS: Final = (*(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)), "FP32", "FP64")
"""Datatypes in which a number may come: Python's clients send what has gaps as FP64."""

DATATYPES: Final = {name: WHOLE if BY_NAME[name].is_number else TEXT for name in FIELD_NAMES}
"""The inputs, one for each field of a record."""

OUTPUTS: Final = {"probability": "FP32", "known_fields": WHOLE, "reliability": "FP64"}
"""The answers; clients that look at one only look at the first."""

PLATFORM: Final = "onnx_onnxv1"
REQUEST: Final = "InferenceRequest"

_UNKNOWN_TEXTS: Final = ("", UNKNOWN)


# As in api.contract.requests what is checked stays a dict. Members that the protocol does not have are passed over: it
# leaves room for extensions, and clients make use of it.
_LENIENT: Final = ConfigDict(extra="ignore", strict=True)


class RequestInput(TypedDict):
    """The values of one field; those of all fields have the same shape."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    name: Annotated[str, Field(json_schema_extra={"enum": list(FIELD_NAMES)})]
    shape: Annotated[list[int], Field(description="n or n, 1.")]
    datatype: Annotated[str, Field(json_schema_extra={"enum": [TEXT, *NUMBERS]})]
    data: Annotated[list[Any], Field(description="Unknown: null; among texts also the empty one, or `?`.")]


class RequestOutput(TypedDict):
    """An answer that is asked for."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    name: Annotated[str, Field(json_schema_extra={"enum": list(OUTPUTS)})]


class InferenceRequest(TypedDict):
    """Records to score, field by field. A field without an input is unknown."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    id: NotRequired[str]
    inputs: Annotated[list[RequestInput], Field(min_length=1)]
    outputs: Annotated[NotRequired[list[RequestOutput]], Field(description="All, if absent.")]


REQUEST_ADAPTER: Final[TypeAdapter[dict[str, Any]]] = TypeAdapter(cast(type[dict[str, Any]], InferenceRequest))

EXAMPLE: Final = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": DATATYPES[name], "data": [EXAMPLE_RECORD[name]]}
        for name in ("race", "age", "number_inpatient")
    ]
}


def read_inference(body: bytes, max_records: int) -> Asked:
    """Read a request.

    Raises:
        MalformedBodyError: it is not JSON.
        InvalidRecordsError: it is not as the protocol has it, or its tensors are not those of the model.
    """
    request = _document_of(body)
    columns: dict[str, Sequence[Any]] = {}
    for tensor in request["inputs"]:
        name = tensor["name"]
        if name in columns:
            raise refused(name, f"input '{shorten(name)}' is given twice")
        columns[name] = _column(tensor)
    sizes = {len(column) for column in columns.values()}
    if len(sizes) > 1:
        raise refused("inputs", "the inputs must be of one length")
    check_count(sizes.pop(), max_records)
    outputs = [output["name"] for output in request.get("outputs", ())] or list(OUTPUTS)
    if missing := [name for name in outputs if name not in OUTPUTS]:
        raise refused("outputs", f"there is no output '{shorten(missing[0])}'; there are {', '.join(OUTPUTS)}")
    return Asked(records_of_columns(columns), request.get("id"), outputs)


def tensors_of(scored: Scored, outputs: Sequence[str]) -> list[dict[str, Any]]:
    """The answers that were asked for, as tensors."""
    values = (scored.probabilities, scored.known_fields, scored.reliability)
    answers = dict(zip(OUTPUTS, values, strict=True))
    shape = [len(scored.records)]
    return [{"name": name, "datatype": OUTPUTS[name], "shape": shape, "data": answers[name]} for name in outputs]


def _document_of(body: bytes) -> dict[str, Any]:
    try:
        return REQUEST_ADAPTER.validate_json(body)
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False, include_context=False)
        if first["type"] == "json_invalid":
            reason = first["msg"].removeprefix("Invalid JSON: ")
            raise MalformedBodyError(f"The body is not valid JSON: {reason}.") from None
        place = ".".join(str(step) for step in first["loc"]) or "the body"
        message = first["msg"]
        raise refused(place, f"{shorten(place)}: {message[0].lower()}{message[1:]}") from None


def _column(tensor: dict[str, Any]) -> list[Any]:
    """The values of an input, unknown ones as None."""
    name, datatype, shape, values = tensor["name"], tensor["datatype"], tensor["shape"], tensor["data"]
    if name not in DATATYPES:
        raise refused(name, unknown_field(name))
    is_text = DATATYPES[name] == TEXT
    if datatype not in ((TEXT,) if is_text else NUMBERS):
        raise refused(name, f"input '{name}' must have the datatype {DATATYPES[name]}, not '{shorten(datatype)}'")
    if len(shape) == 2 and values and isinstance(values[0], list):
        values = [value for row in values for value in (row if isinstance(row, list) and len(row) == 1 else [row])]
    if shape not in ([len(values)], [len(values), 1]):
        raise refused(name, f"input '{name}' must have the shape [n] or [n, 1], and n values in data")
    if is_text:
        return [None if isinstance(value, str) and value in _UNKNOWN_TEXTS else value for value in values]
    return [known(value) for value in values]
