"""Open Inference Protocol, version 2: routes below /v2."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.errors import NotServedError
from api.models.store import ServedModel
from api.protocols import open_inference as protocol
from api.protocols.scoring import score_request
from api.services import Services, ServicesDep, services_of
from api.transport.http_request import JSON, read_json_body
from api.transport.openapi import LOAD_TEST_HEADER, OPEN_INFERENCE, REQUEST_ID_HEADER, json_body, protocol_errors
from ml.core.names import MODEL_NAME

router = APIRouter(prefix="/v2", tags=[OPEN_INFERENCE])

_MODEL: Final = "/models/{name}"
_VERSION: Final = f"{_MODEL}/versions/{{version}}"
_SERVER_NAME: Final = "readmission-risk"
_EXAMPLES: Final = {"three fields": {"summary": "Three fields; all others are unknown", "value": protocol.EXAMPLE}}


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
async def get_server_metadata(request: Request) -> protocol.MetadataServer:
    """Name and version of the service."""
    return protocol.MetadataServer(name=_SERVER_NAME, version=request.app.version, extensions=[])


@router.get("/health/live", summary="Whether the process is alive")
async def is_server_live() -> protocol.Live:
    """The same as /health."""
    return protocol.Live(live=True)


@router.get(
    "/health/ready",
    summary="Whether a model is loaded",
    response_model=protocol.Ready,
    responses={503: {"model": protocol.Ready}},
)
async def is_server_ready(services: ServicesDep) -> Response:
    """The same as /ready."""
    is_ready = services.model_store.current is not None
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


async def is_model_ready(request: Request) -> protocol.ModelReady:
    """Whether the model, and the version if the path names one, is served."""
    _, model = _served_model(request)
    return protocol.ModelReady(name=model.registered.name, ready=True)


async def get_model_metadata(request: Request) -> protocol.MetadataModel:
    """Inputs, one per field of a record and each optional, and outputs."""
    _, model = _served_model(request)
    inputs, outputs = (
        [protocol.MetadataTensor(name=name, datatype=datatype, shape=[-1]) for name, datatype in tensors.items()]
        for tensors in (protocol.INPUTS, protocol.OUTPUTS)
    )
    return protocol.MetadataModel(
        name=model.registered.name,
        versions=[model.registered.version],
        platform=protocol.PLATFORM,
        inputs=inputs,
        outputs=outputs,
    )


async def infer(request: Request) -> Response:
    """Score records given field by field. A field without an input is unknown, and so is null."""
    services, model = _served_model(request)
    body = await read_json_body(request)
    parsed, scored = await score_request(body, protocol.parse_inference, services, model.bundle)
    services.prediction_recorder.record(request.scope, model, scored)
    values = (scored.probabilities, scored.known_fields, scored.reliability)
    document = {
        "model_name": model.registered.name,
        "model_version": model.registered.version,
        "id": request.scope["state"]["request_id"] if parsed.id is None else parsed.id,
        "outputs": protocol.output_tensors(len(scored.records), values, parsed.outputs),
    }
    return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), media_type=JSON)


for _what, (_path, _parameters) in _PATHS.items():
    router.get(
        f"{_path}/ready",
        operation_id=f"is_{_what}_ready",
        summary="Whether the model is served",
        responses=protocol_errors(protocol.InferenceError, 404, 503),
        openapi_extra={"parameters": _parameters},
    )(is_model_ready)
    router.get(
        _path,
        operation_id=f"get_{_what}_metadata",
        summary="The model's tensors",
        responses=protocol_errors(protocol.InferenceError, 404, 503),
        openapi_extra={"parameters": _parameters},
    )(get_model_metadata)
    router.post(
        f"{_path}/infer",
        operation_id=f"infer_{_what}",
        summary="Probability of readmission within 30 days",
        response_class=Response,
        responses={
            200: {"model": protocol.InferenceResponse, "description": "One probability per record."},
            **protocol_errors(protocol.InferenceError, 400, 404, 408, 413, 415, 503),
        },
        openapi_extra={
            "parameters": [*_parameters, REQUEST_ID_HEADER, LOAD_TEST_HEADER],
            "requestBody": json_body(protocol.REQUEST, _EXAMPLES),
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
