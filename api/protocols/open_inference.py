"""Open Inference Protocol, version 2: one input tensor per field of a record, three output tensors.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, NotRequired, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from api.contract.field_errors import shorten, unknown_field
from api.contract.requests import FIELD_NAMES
from api.errors import MalformedBodyError
from api.protocols.tables import ScoringRequest, check_count, invalid_body, nan_to_none, records_of_columns
from ml.schema import BY_NAME, EXAMPLE_RECORD, UNKNOWN

_TEXT: Final = "BYTES"
_WHOLE: Final = "INT64"
_NUMBERS: Final = (*(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)), "FP32", "FP64")
"""Accepted datatypes of numbers: Python clients send integers with gaps as FP64."""

INPUTS: Final = {name: _WHOLE if BY_NAME[name].is_number else _TEXT for name in FIELD_NAMES}
"""Datatypes of the inputs."""

OUTPUTS: Final = {"probability": "FP32", "known_fields": _WHOLE, "reliability": "FP64"}
"""Datatypes of the outputs; clients that read only one read the first."""

PLATFORM: Final = "onnx_onnxv1"
REQUEST: Final = "InferenceRequest"
EXAMPLE: Final = {
    "inputs": [
        {"name": name, "shape": [1], "datatype": INPUTS[name], "data": [EXAMPLE_RECORD[name]]}
        for name in ("race", "age", "number_inpatient")
    ]
}

_UNKNOWN_TEXTS: Final = ("", UNKNOWN)
# TypedDicts, as in api.contract.requests. Unknown members are ignored: the protocol allows extensions.
_LENIENT: Final = ConfigDict(extra="ignore", strict=True)


class RequestInput(TypedDict):
    """The values of one field; all inputs have the same shape."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    name: Annotated[str, Field(json_schema_extra={"enum": list(FIELD_NAMES)})]
    shape: Annotated[list[int], Field(description="n or n, 1.")]
    datatype: Annotated[str, Field(json_schema_extra={"enum": [_TEXT, *_NUMBERS]})]
    data: Annotated[list[Any], Field(description="Unknown: null; for texts also an empty text or `?`.")]


class RequestOutput(TypedDict):
    """A requested output."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    name: Annotated[str, Field(json_schema_extra={"enum": list(OUTPUTS)})]


class InferenceRequest(TypedDict):
    """Records to score, field by field. A field without an input is unknown."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    id: NotRequired[str]
    inputs: Annotated[list[RequestInput], Field(min_length=1)]
    outputs: Annotated[NotRequired[list[RequestOutput]], Field(description="All, if absent.")]


REQUEST_ADAPTER: Final[TypeAdapter[dict[str, Any]]] = TypeAdapter(cast(type[dict[str, Any]], InferenceRequest))


class MetadataTensor(BaseModel):
    """An input or output of the model."""

    name: str = Field(examples=["age"])
    datatype: str = Field(examples=["BYTES"])
    shape: list[int] = Field(examples=[[-1]])


class MetadataModel(BaseModel):
    """The served model. Every input is optional: an absent field is unknown."""

    name: str = Field(examples=["diabetes-readmission"])
    versions: list[str] = Field(examples=[["3"]])
    platform: str = Field(examples=["onnx_onnxv1"])
    inputs: list[MetadataTensor]
    outputs: list[MetadataTensor]


class MetadataServer(BaseModel):
    """The service."""

    name: str = Field(examples=["readmission-risk"])
    version: str = Field(examples=["1"])
    extensions: list[str] = Field(examples=[[]])


class Live(BaseModel):
    """Whether the process is alive."""

    live: bool


class Ready(BaseModel):
    """Whether a model is loaded."""

    ready: bool


class ModelReady(Ready):
    """Whether this model is loaded."""

    name: str = Field(examples=["diabetes-readmission"])


class Tensor(BaseModel):
    """A tensor with its values."""

    name: str = Field(examples=["probability"])
    datatype: str = Field(examples=["FP32"])
    shape: list[int] = Field(examples=[[1]])
    data: list[Any] = Field(examples=[[0.18]])


class InferenceResponse(BaseModel):
    """Predictions, in the order of the records."""

    model_name: str = Field(examples=["diabetes-readmission"])
    model_version: str = Field(examples=["3"])
    id: str = Field(description="The request's id, else the X-Request-ID.")
    outputs: list[Tensor]


class InferenceError(BaseModel):
    """An error in the protocol's format."""

    error: str


def parse_inference(body: bytes, max_records: int) -> ScoringRequest:
    """Parse a request.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not follow the protocol, or has other tensors than the model.
    """
    request = _validate(body)
    columns: dict[str, Sequence[Any]] = {}
    for tensor in request["inputs"]:
        name = tensor["name"]
        if name in columns:
            raise invalid_body(name, f"input '{shorten(name)}' is given twice")
        columns[name] = _column(tensor)
    sizes = {len(column) for column in columns.values()}
    if len(sizes) > 1:
        raise invalid_body("inputs", "the inputs must have the same length")
    check_count(sizes.pop(), max_records)
    outputs = [output["name"] for output in request.get("outputs", ())] or list(OUTPUTS)
    if unknown := [name for name in outputs if name not in OUTPUTS]:
        raise invalid_body("outputs", f"unknown output '{shorten(unknown[0])}'; there are {', '.join(OUTPUTS)}")
    return ScoringRequest(records_of_columns(columns), request.get("id"), outputs)


def output_tensors(size: int, values: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The outputs named `names` as tensors of `size` values; `values` are those of all :data:`OUTPUTS`."""
    by_name = dict(zip(OUTPUTS, values, strict=True))
    return [{"name": name, "datatype": OUTPUTS[name], "shape": [size], "data": by_name[name]} for name in names]


def _validate(body: bytes) -> dict[str, Any]:
    try:
        return REQUEST_ADAPTER.validate_json(body)
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False, include_context=False)
        if first["type"] == "json_invalid":
            reason = first["msg"].removeprefix("Invalid JSON: ")
            raise MalformedBodyError(f"The body is not valid JSON: {reason}.") from None
        place = ".".join(str(step) for step in first["loc"]) or "the body"
        message = first["msg"]
        raise invalid_body(place, f"{shorten(place)}: {message[0].lower()}{message[1:]}") from None


def _column(tensor: dict[str, Any]) -> list[Any]:
    """The values of an input; None if unknown."""
    name, datatype, shape, values = tensor["name"], tensor["datatype"], tensor["shape"], tensor["data"]
    if name not in INPUTS:
        raise invalid_body(name, unknown_field(name))
    is_text = INPUTS[name] == _TEXT
    if datatype not in ((_TEXT,) if is_text else _NUMBERS):
        raise invalid_body(name, f"input '{name}' must have the datatype {INPUTS[name]}, not '{shorten(datatype)}'")
    if len(shape) == 2 and values and isinstance(values[0], list):
        values = [value for row in values for value in (row if isinstance(row, list) and len(row) == 1 else [row])]
    if shape not in ([len(values)], [len(values), 1]):
        raise invalid_body(name, f"input '{name}' must have the shape [n] or [n, 1], and n values in data")
    if is_text:
        return [None if isinstance(value, str) and value in _UNKNOWN_TEXTS else value for value in values]
    return [nan_to_none(value) for value in values]
