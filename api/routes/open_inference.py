"""Open Inference Protocol, version 2: routes below /v2."""

from functools import partial
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.errors import NotServedError
from api.models.store import ServedModel
from api.protocols import binary_tensors
from api.protocols import open_inference as protocol
from api.protocols import open_inference_responses as responses
from api.protocols.scoring import notes_of, score_request
from api.services import Services, ServicesDep, services_of
from api.transport.http_request import BINARY, JSON, check_media_type, get_header
from api.transport.openapi import LOAD_TEST_HEADER, OPEN_INFERENCE, REQUEST_ID_HEADER, json_body, protocol_errors
from ml.core.names import MODEL_NAME

router = APIRouter(prefix="/v2", tags=[OPEN_INFERENCE])

_MODEL: Final = "/models/{name}"
_VERSION: Final = f"{_MODEL}/versions/{{version}}"
_SERVER_NAME: Final = "readmission-risk"
_EXAMPLES: Final = {"three fields": {"summary": "Three fields; all others are unknown", "value": protocol.EXAMPLE}}
_EXTENSIONS: Final = ["binary_tensor_data", "model_configuration"]
"""Supported extensions, in Triton's words."""
_TRITON_TYPES: Final = {"BYTES": "TYPE_STRING", "INT64": "TYPE_INT64", "FP32": "TYPE_FP32", "FP64": "TYPE_FP64"}
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final = json_body(protocol.REQUEST, _EXAMPLES)
_BODY["content"][BINARY] = _BYTES
_LENGTH_HEADER: Final = {
    "name": binary_tensors.HEADER,
    "in": "header",
    "schema": {"type": "string"},
    "description": "Length of the JSON in the body, if binary data follow it.",
}
_BINARY_HEADER: Final = binary_tensors.HEADER.lower().encode()
_UNSUPPORTED: Final = {
    **dict.fromkeys(
        ("/models/stats", f"{_MODEL}/stats", f"{_VERSION}/stats"),
        ("statistics", "counts and durations are in GET /metrics"),
    ),
    **dict.fromkeys(
        ("/repository/models/{name}/load", "/repository/models/{name}/unload"),
        ("model_repository", "the version with the registry's alias production is served"),
    ),
    **dict.fromkeys(("/trace/setting", f"{_MODEL}/trace/setting"), ("trace", "settings are environment variables")),
    "/logging": ("logging", "settings are environment variables"),
    "/systemsharedmemory/{rest:path}": ("system_shared_memory", "send and receive values"),
    "/cudasharedmemory/{rest:path}": ("cuda_shared_memory", "send and receive values"),
}
"""Routes of Triton's other extensions: the extension, and what to do instead."""


def _path_parameters(*names: str) -> list[dict[str, Any]]:
    examples = {"name": MODEL_NAME, "version": "3"}
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": examples[name]}
        for name in names
    ]


_PATHS: Final = {
    "model": (_MODEL, _path_parameters("name")),
    "model_version": (_VERSION, _path_parameters("name", "version")),
}
"""Path and parameters of a model and of one of its versions, by what operations are named after."""


@router.get("", summary="The service")
async def get_server_metadata(request: Request) -> responses.MetadataServer:
    """Name and version of the service."""
    return responses.MetadataServer(name=_SERVER_NAME, version=request.app.version, extensions=_EXTENSIONS)


async def _unsupported(request: Request) -> Response:
    """Answers the routes of extensions that the service does not have."""
    extension, hint = _UNSUPPORTED[request.scope["route"].path.removeprefix(router.prefix)]
    raise NotServedError(f"The extension '{extension}' is not supported; {hint}.")


for _path in _UNSUPPORTED:  # before the routes of a model, one of which would match /models/stats
    router.add_api_route(_path, _unsupported, methods=["GET", "POST"], include_in_schema=False)


@router.get("/health/live", summary="Whether the process is alive")
async def is_server_live() -> responses.Live:
    """The same as /health."""
    return responses.Live(live=True)


@router.get(
    "/health/ready",
    summary="Whether a model is loaded",
    response_model=responses.Ready,
    responses={503: {"model": responses.Ready}},
)
async def is_server_ready(services: ServicesDep) -> Response:
    """The same as /ready."""
    is_ready = services.model_store.current is not None and not services.draining.has_begun
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


async def is_model_ready(request: Request) -> responses.ModelReady:
    """Whether the model, and the version if the path names one, is served."""
    _, model = _served_model(request)
    return responses.ModelReady(name=model.registered.name, ready=True)


async def get_model_metadata(request: Request) -> responses.MetadataModel:
    """Inputs, one per field of a record and each optional, and outputs."""
    _, model = _served_model(request)
    inputs, outputs = (
        [responses.MetadataTensor(name=name, datatype=datatype, shape=[-1]) for name, datatype in tensors.items()]
        for tensors in (protocol.INPUTS, protocol.OUTPUTS)
    )
    return responses.MetadataModel(
        name=model.registered.name,
        versions=[model.registered.version],
        platform=protocol.PLATFORM,
        inputs=inputs,
        outputs=outputs,
    )


async def get_model_config(request: Request) -> responses.ModelConfiguration:
    """The same tensors in the form of Triton's model configuration."""
    _, model = _served_model(request)
    inputs, outputs = (
        [
            responses.ConfigurationTensor(name=name, data_type=_TRITON_TYPES[datatype], dims=[-1], optional=optional)
            for name, datatype in tensors.items()
        ]
        for tensors, optional in ((protocol.INPUTS, True), (protocol.OUTPUTS, None))
    )
    return responses.ModelConfiguration(
        name=model.registered.name, platform=protocol.PLATFORM, max_batch_size=0, input=inputs, output=outputs
    )


@router.post(
    "/repository/index",
    summary="The served model, as an index of a repository",
    responses=protocol_errors(responses.InferenceError, 503),
)
async def get_repository_index(services: ServicesDep) -> list[responses.IndexedModel]:
    """The model if one is loaded. The body of the request is ignored."""
    model = services.model_store.current
    if model is None:
        return []
    return [responses.IndexedModel(name=model.registered.name, version=model.registered.version, state="READY")]


async def infer(request: Request) -> Response:
    """Score records given field by field. A field without an input is unknown, and so is null.

    Values may follow the JSON as binary data; its length is then in the header Inference-Header-Content-Length.
    """
    services, model = _served_model(request)
    check_media_type(request.scope, JSON, BINARY, default=JSON)  # Triton's client declares no type
    parse = partial(protocol.parse_inference, header=get_header(request.scope, _BINARY_HEADER))
    parsed, scored = await score_request(await request.body(), parse, services, model.bundle)
    services.prediction_recorder.record(request.scope, model, scored)
    values = (scored.probabilities, scored.known_fields, scored.reliability)
    tensors, blocks = protocol.output_tensors(len(scored.records), values, parsed.outputs)
    document = {
        "model_name": model.registered.name,
        "model_version": model.registered.version,
        "id": request.scope["state"]["request_id"] if parsed.id is None else parsed.id,
        "outputs": tensors,
    }
    if notes := notes_of(scored):  # a parameter is a scalar
        document["parameters"] = {name: orjson.dumps(values).decode() for name, values in notes.items()}
    content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    if not blocks:
        return Response(content, media_type=JSON)
    headers = {binary_tensors.HEADER: str(len(content))}
    return Response(b"".join([content, *blocks]), media_type=BINARY, headers=headers)


for _what, (_path, _parameters) in _PATHS.items():
    router.get(
        f"{_path}/ready",
        operation_id=f"is_{_what}_ready",
        summary="Whether the model is served",
        responses=protocol_errors(responses.InferenceError, 404, 503),
        openapi_extra={"parameters": _parameters},
    )(is_model_ready)
    router.get(
        _path,
        operation_id=f"get_{_what}_metadata",
        summary="The model's tensors",
        responses=protocol_errors(responses.InferenceError, 404, 503),
        openapi_extra={"parameters": _parameters},
    )(get_model_metadata)
    router.get(
        f"{_path}/config",
        operation_id=f"get_{_what}_config",
        summary="The model's tensors, as Triton's clients read them",
        response_model_exclude_none=True,
        responses=protocol_errors(responses.InferenceError, 404, 503),
        openapi_extra={"parameters": _parameters},
    )(get_model_config)
    router.post(
        f"{_path}/infer",
        operation_id=f"infer_{_what}",
        summary="Probability of readmission within 30 days",
        response_class=Response,
        responses={
            200: {
                "model": responses.InferenceResponse,
                "description": "One probability per record.",
                "content": {BINARY: _BYTES},
            },
            **protocol_errors(responses.InferenceError, 400, 404, 408, 413, 415, 503),
        },
        openapi_extra={
            "parameters": [*_parameters, _LENGTH_HEADER, REQUEST_ID_HEADER, LOAD_TEST_HEADER],
            "requestBody": _BODY,
        },
    )(infer)


def _served_model(request: Request) -> tuple[Services, ServedModel]:
    """The services and the model that the path names.

    Raises:
        NotServedError: another model or version is served.
        NoModelError: no model is loaded.
    """
    services = services_of(request)
    name, version = request.path_params["name"], request.path_params.get("version")
    if name != MODEL_NAME:
        raise NotServedError(f"Unknown model; '{MODEL_NAME}' is served.")
    model = services.model_store.require()
    if version not in (None, model.registered.version):
        raise NotServedError(f"This version is not served; version {model.registered.version} is.")
    return services, model
