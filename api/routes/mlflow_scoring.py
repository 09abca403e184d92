"""MLflow's scoring protocol: POST /invocations, GET /ping, GET /version."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.bodies import CSV, JSON, LOAD_TEST_HEADER, REQUEST_ID_HEADER, media_type_of
from api.contract.requests import SHORT_RECORD
from api.protocols.mlflow_scoring import (
    INPUTS,
    INSTANCES,
    MLFLOW_VERSION,
    RECORDS,
    REQUEST,
    SPLIT,
    InvocationsError,
    InvocationsResponse,
    read_csv,
    read_invocation,
)
from api.scoring.protocol_requests import score_body
from api.services import Parts, services_of
from api.telemetry.recorder import record
from api.transport.openapi import errors_of, json_body

router = APIRouter(tags=["MLflow's scoring protocol"])

_EXAMPLES: Final[dict[str, Any]] = {
    SPLIT: {"value": {SPLIT: {"columns": list(SHORT_RECORD), "data": [list(SHORT_RECORD.values())]}}},
    RECORDS: {"value": {RECORDS: [SHORT_RECORD]}},
    INPUTS: {"value": {INPUTS: {name: [value] for name, value in SHORT_RECORD.items()}}},
    INSTANCES: {"value": {INSTANCES: [SHORT_RECORD]}},
}
_BODY: Final = {
    **json_body(REQUEST, _EXAMPLES),
    "description": "A data frame, or a file.",
}
_BODY["content"][CSV] = {"schema": {"type": "string", "format": "binary"}}
_ERRORS: Final = errors_of(InvocationsError, 400, 408, 413, 415, 503)
_TEXT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.post(
    "/invocations",
    summary="Probability of readmission, as `mlflow models serve` answers",
    response_class=Response,
    responses={200: {"model": InvocationsResponse, "description": "One probability per record."}, **_ERRORS},
    openapi_extra={"parameters": [REQUEST_ID_HEADER, LOAD_TEST_HEADER], "requestBody": _BODY},
)
async def invocations(request: Request) -> Response:
    """Score a data frame as MLflow's clients send it, or a CSV file as /predict/csv takes it."""
    services = services_of(request)
    model = services.store.require()
    media_type = media_type_of(request.scope, JSON, CSV)
    read, inline = (read_csv, False) if media_type == CSV else (read_invocation, True)
    _, scored = await score_body(await request.body(), read, services, model, inline=inline)
    record(request, services, model, scored)
    answer = orjson.dumps({"predictions": scored.probabilities}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(answer, media_type=JSON)


@router.get(
    "/ping", summary="A model answers", response_class=Response, responses=_TEXT | errors_of(InvocationsError, 503)
)
async def ping(parts: Parts) -> Response:
    """As /ready, for those who know MLflow's address of it."""
    parts.store.require()
    return Response("\n", media_type="text/plain")


@router.get("/version", summary="MLflow's version", response_class=Response, responses=_TEXT)
async def version() -> Response:
    """Of the MLflow whose protocol is spoken here. The version of the model is in GET /model."""
    return Response(MLFLOW_VERSION, media_type="text/plain")
