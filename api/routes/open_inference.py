"""Open Inference Protocol, version 2: /v2 and what is below it."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.contract.bodies import JSON, LOAD_TEST_HEADER, REQUEST_ID_HEADER, body_of
from api.errors import NotServedError
from api.models.store import ServedModel
from api.protocols.open_inference import DATATYPES, EXAMPLE, OUTPUTS, PLATFORM, REQUEST, read_inference, tensors_of
from api.protocols.open_inference_responses import (
    InferenceError,
    InferenceResponse,
    Live,
    MetadataModel,
    MetadataServer,
    MetadataTensor,
    ModelReady,
    Ready,
)
from api.scoring.protocol_requests import score_body
from api.services import Parts, Services, services_of
from api.telemetry.recorder import record
from api.transport.openapi import errors_of, json_body
from ml.core.names import MODEL_NAME

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

_MODEL: Final = "/models/{name}"
_VERSION: Final = f"{_MODEL}/versions/{{version}}"
_SERVER_NAME: Final = "readmission-risk"
_EXAMPLES: Final = {"three fields": {"summary": "Three fields; all others are unknown", "value": EXAMPLE}}
_INFER: Final[dict[str, Any]] = {
    "summary": "Probability of readmission within 30 days",
    "response_class": Response,
    "responses": {
        200: {"model": InferenceResponse, "description": "One probability per record."},
        **errors_of(InferenceError, 400, 404, 408, 413, 415, 503),
    },
}


def _parameters(*more: dict[str, Any], version: bool) -> list[dict[str, Any]]:
    """Documentation of the address, and more."""
    names = {"name": MODEL_NAME, "version": "3"} if version else {"name": MODEL_NAME}
    of_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
        for name, example in names.items()
    ]
    return [*of_path, *more]


@router.get("", summary="The service")
async def server(request: Request) -> MetadataServer:
    """Name and version of the service."""
    return MetadataServer(name=_SERVER_NAME, version=request.app.version, extensions=[])


@router.get("/health/live", summary="The process answers")
async def live() -> Live:
    """As /health."""
    return Live(live=True)


@router.get("/health/ready", summary="A model answers", response_model=Ready, responses={503: {"model": Ready}})
async def ready(parts: Parts) -> Response:
    """As /ready."""
    is_ready = parts.store.current is not None
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


@router.get(
    f"{_MODEL}/ready",
    summary="The model answers",
    responses=errors_of(InferenceError, 404, 503),
    openapi_extra={"parameters": _parameters(version=False)},
)
@router.get(
    f"{_VERSION}/ready",
    summary="This version answers",
    responses=errors_of(InferenceError, 404, 503),
    openapi_extra={"parameters": _parameters(version=True)},
)
async def model_ready(request: Request) -> ModelReady:
    """Whether the model, and the version if one is named, is the one that answers."""
    _, model = _served(request)
    return ModelReady(name=model.registered.name, ready=True)


@router.get(
    _MODEL,
    summary="The model's tensors",
    responses=errors_of(InferenceError, 404, 503),
    openapi_extra={"parameters": _parameters(version=False)},
)
@router.get(
    _VERSION,
    summary="This version's tensors",
    responses=errors_of(InferenceError, 404, 503),
    openapi_extra={"parameters": _parameters(version=True)},
)
async def describe(request: Request) -> MetadataModel:
    """One input per field of a record, each of which may be left out; the outputs."""
    _, model = _served(request)
    inputs, outputs = (
        [MetadataTensor(name=name, datatype=datatype, shape=[-1]) for name, datatype in tensors.items()]
        for tensors in (DATATYPES, OUTPUTS)
    )
    return MetadataModel(
        name=model.registered.name,
        versions=[model.registered.version],
        platform=PLATFORM,
        inputs=inputs,
        outputs=outputs,
    )


@router.post(
    f"{_MODEL}/infer",
    **_INFER,
    openapi_extra={
        "parameters": _parameters(REQUEST_ID_HEADER, LOAD_TEST_HEADER, version=False),
        "requestBody": json_body(REQUEST, _EXAMPLES),
    },
)
@router.post(
    f"{_VERSION}/infer",
    **_INFER,
    openapi_extra={
        "parameters": _parameters(REQUEST_ID_HEADER, LOAD_TEST_HEADER, version=True),
        "requestBody": json_body(REQUEST, _EXAMPLES),
    },
)
async def infer(request: Request) -> Response:
    """Score records that are given field by field. A field without an input is unknown, and so is null."""
    services, model = _served(request)
    asked, scored = await score_body(await body_of(request), read_inference, services, model)
    record(request, services, model, scored)
    answer = {
        "model_name": model.registered.name,
        "model_version": model.registered.version,
        "id": request.scope["state"]["request_id"] if asked.id is None else asked.id,
        "outputs": tensors_of(scored, asked.outputs),
    }
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type=JSON)


def _served(request: Request) -> tuple[Services, ServedModel]:
    """The model of the address.

    Raises:
        NotServedError: it is another one than the service has.
        NoModelError: there is none at all.
    """
    services = services_of(request)
    name, version = request.path_params["name"], request.path_params.get("version")
    if name != MODEL_NAME:
        raise NotServedError(f"There is no such model; the one that is served is '{MODEL_NAME}'.")
    model = services.store.require()
    if version not in (None, model.registered.version):
        raise NotServedError(f"This version is not served; the one that is served is {model.registered.version}.")
    return services, model
