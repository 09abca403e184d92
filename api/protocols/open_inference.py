"""Open Inference Protocol, version 2: one input tensor per field of a record, three output tensors.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NotRequired, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from api.contract.field_errors import shorten, unknown_field
from api.contract.parsing import code_system_of, decode_json
from api.contract.requests import CODE_SYSTEM_DESCRIPTION, FIELD_NAMES
from api.errors import InvalidRecordsError
from api.protocols import binary_tensors
from api.protocols.binary_tensors import NUMBERS, TEXT
from api.protocols.tables import ScoringRequest, check_count, invalid_body, records_of_columns
from ml.schema import BY_NAME, EXAMPLE_RECORD, UNKNOWN, Kind
from ml.schema.code_systems import CODE_SYSTEM, CodeSystem

_WHOLE: Final = "INT64"

INPUTS: Final = {name: _WHOLE if BY_NAME[name].is_number else TEXT for name in FIELD_NAMES}
"""Datatypes of the inputs. A number may have any of :data:`NUMBERS`: Python clients send integers with gaps as FP64."""

_ROUNDING: Final = ("FP16", "FP32")
"""Datatypes that round the numbers of patients."""

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


class InputParameters(TypedDict, total=False):
    """Parameters of an input."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    binary_data_size: Annotated[int | None, Field(ge=0, description="Bytes of the values after the JSON.")]
    shared_memory_region: Annotated[Any, Field(description="Not supported.")]


class OutputParameters(TypedDict, total=False):
    """Parameters of a requested output."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    binary_data: Annotated[bool | None, Field(description="Whether to return the values after the JSON.")]
    classification: Annotated[Any, Field(description="Not supported.")]
    shared_memory_region: Annotated[Any, Field(description="Not supported.")]


class RequestParameters(TypedDict, total=False):
    """Parameters of a request."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    binary_data_output: Annotated[bool | None, Field(description="Default of `binary_data` of the outputs.")]
    code_system: Annotated[CodeSystem | None, Field(description=CODE_SYSTEM_DESCRIPTION)]


class RequestInput(TypedDict):
    """The values of one field; all inputs have the same shape."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    name: Annotated[str, Field(json_schema_extra={"enum": list(FIELD_NAMES)})]
    shape: Annotated[list[int], Field(description="n or n, 1.")]
    datatype: Annotated[str, Field(json_schema_extra={"enum": [TEXT, *NUMBERS]})]
    data: Annotated[
        NotRequired[list[Any] | None], Field(description="Unknown: null; for texts also an empty text or `?`.")
    ]
    parameters: NotRequired[InputParameters | None]


class RequestOutput(TypedDict):
    """A requested output."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    name: Annotated[str, Field(json_schema_extra={"enum": list(OUTPUTS)})]
    parameters: NotRequired[OutputParameters | None]


class InferenceRequest(TypedDict):
    """Records to score, field by field. A field without an input is unknown."""

    __pydantic_config__ = _LENIENT  # type: ignore[misc]
    id: NotRequired[str | None]
    inputs: Annotated[list[RequestInput], Field(min_length=1)]
    outputs: Annotated[NotRequired[list[RequestOutput] | None], Field(description="All, if absent.")]
    parameters: NotRequired[RequestParameters | None]


REQUEST_ADAPTER: Final[TypeAdapter[dict[str, Any]]] = TypeAdapter(cast(type[dict[str, Any]], InferenceRequest))


def parse_inference(body: bytes, max_records: int, header: bytes | None = None) -> ScoringRequest:
    """Parse a request; `header` is that of :data:`api.protocols.binary_tensors.HEADER`.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: the body does not follow the protocol, or has other tensors than the model.
    """
    document, data = binary_tensors.split_body(body, header)
    request = _validate(document)
    columns: dict[str, Sequence[Any]] = {}
    for tensor in request["inputs"]:
        name = tensor["name"]
        if name in columns:
            raise invalid_body(name, f"input '{shorten(name)}' is given twice")
        columns[name], data = _column(tensor, data)
    if data:
        raise invalid_body("inputs", f"{len(data)} bytes after the JSON belong to no input")
    sizes = {len(column) for column in columns.values()}
    if len(sizes) > 1:
        raise invalid_body("inputs", "the inputs must have the same length")
    check_count(sizes.pop(), max_records)
    code_system = code_system_of((request.get("parameters") or {}).get(CODE_SYSTEM))
    return ScoringRequest(records_of_columns(columns), request.get("id"), _outputs(request), code_system)


def output_tensors(
    size: int, values: Sequence[Any], outputs: Mapping[str, bool]
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The requested outputs as tensors of `size` values, and their binary data.

    `values` are those of all :data:`OUTPUTS`; see :class:`ScoringRequest` for `outputs`.
    """
    by_name = dict(zip(OUTPUTS, values, strict=True))
    tensors: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    for name, is_binary in outputs.items():
        tensor: dict[str, Any] = {"name": name, "datatype": OUTPUTS[name], "shape": [size]}
        if is_binary:
            blocks.append(binary_tensors.encode(OUTPUTS[name], by_name[name]))
            tensor["parameters"] = {"binary_data_size": len(blocks[-1])}
        else:
            tensor["data"] = by_name[name]
        tensors.append(tensor)
    return tensors, blocks


def _validate(document: bytes) -> dict[str, Any]:
    document = document.removeprefix(BOM_UTF8)
    decode_json(document, allow_nan=True)  # refuses what is not JSON, and repeated keys
    try:
        return REQUEST_ADAPTER.validate_json(document)
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False, include_context=False)
        place = ".".join(str(step) for step in first["loc"]) or "the body"
        message = first["msg"]
        raise invalid_body(place, f"{shorten(place)}: {message[0].lower()}{message[1:]}") from None


def _outputs(request: dict[str, Any]) -> dict[str, bool]:
    """Names of the requested outputs, and whether each is returned as binary data."""
    is_binary = (request.get("parameters") or {}).get("binary_data_output") is True
    outputs: dict[str, bool] = {}
    for output in request.get("outputs") or ():
        name, parameters = output["name"], output.get("parameters") or {}
        if name not in OUTPUTS:
            raise invalid_body("outputs", f"unknown output '{shorten(name)}'; there are {', '.join(OUTPUTS)}")
        _check_extensions(f"output '{name}'", parameters)
        wanted = parameters.get("binary_data")
        outputs[name] = is_binary if wanted is None else wanted
    return outputs or dict.fromkeys(OUTPUTS, is_binary)


def _check_extensions(tensor: str, parameters: Mapping[str, Any]) -> None:
    for extension in ("classification", "shared_memory_region"):
        if parameters.get(extension) is not None:
            raise invalid_body(None, f"{tensor}: {extension} is not supported; send and receive values")


def _column(tensor: dict[str, Any], data: memoryview) -> tuple[list[Any], memoryview]:
    """The values of an input, None if unknown, and the binary data after those of the input."""
    name, datatype, parameters = tensor["name"], tensor["datatype"], tensor.get("parameters") or {}
    if name not in INPUTS:
        raise invalid_body(name, unknown_field(name))
    if datatype not in _datatypes(name):
        expected = f"{_WHOLE} or {TEXT}" if BY_NAME[name].kind is Kind.IDENTIFIER else INPUTS[name]
        raise invalid_body(name, f"input '{name}' must have the datatype {expected}, not '{shorten(datatype)}'")
    _check_extensions(f"input '{name}'", parameters)
    size = parameters.get("binary_data_size")
    if (size is None) == (tensor.get("data") is None):
        raise invalid_body(name, f"input '{name}' must have either data or the parameter binary_data_size")
    if size is None:
        values = _json_values(tensor)
    elif size > len(data):
        message = f"input '{name}' declares {size} bytes of binary data; the body has {len(data)} more"
        raise invalid_body(name, f"{message} (the header {binary_tensors.HEADER} is the length of the JSON)")
    else:
        values = binary_tensors.decode(name, datatype, _count(tensor), data[:size])
        data = data[size:]
    if datatype == TEXT:
        values = [None if isinstance(value, str) and value in _UNKNOWN_TEXTS else value for value in values]
    return values, data


def _datatypes(name: str) -> tuple[str, ...]:
    """The datatypes that an input may have."""
    if BY_NAME[name].kind is Kind.IDENTIFIER:
        return (TEXT, *(datatype for datatype in NUMBERS if datatype not in _ROUNDING))
    return NUMBERS if BY_NAME[name].is_number else (TEXT,)


def _json_values(tensor: dict[str, Any]) -> list[Any]:
    values: list[Any] = tensor["data"]
    if len(tensor["shape"]) == 2 and values and isinstance(values[0], list):
        values = [value for row in values for value in (row if isinstance(row, list) and len(row) == 1 else [row])]
    if len(values) != _count(tensor):
        raise _invalid_shape(tensor["name"])
    return values


def _count(tensor: dict[str, Any]) -> int:
    """The number of values of a tensor, from its shape."""
    shape: list[int] = tensor["shape"]
    if len(shape) not in (1, 2) or shape[0] < 0 or shape[1:] not in ([], [1]):
        raise _invalid_shape(tensor["name"])
    return shape[0]


def _invalid_shape(name: str) -> InvalidRecordsError:
    return invalid_body(name, f"input '{name}' must have the shape [n] or [n, 1], and n values in data")
