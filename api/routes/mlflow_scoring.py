"""MLflow's scoring protocol: POST /invocations, GET /ping, GET /version."""

from functools import partial
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.parsing import parse_code_system
from api.contract.requests import SHORT_RECORD
from api.protocols import mlflow_scoring as protocol
from api.protocols.scoring import notes_of, score_request
from api.services import ServicesDep, services_of
from api.transport.http_request import CSV, JSON, check_media_type
from api.transport.openapi import (
    CODE_SYSTEM_PARAMETER,
    LOAD_TEST_HEADER,
    MLFLOW,
    REQUEST_ID_HEADER,
    json_body,
    protocol_errors,
)

router = APIRouter(tags=[MLFLOW])

_EXAMPLES: Final[dict[str, Any]] = {
    protocol.SPLIT: {"value": {protocol.SPLIT: {"columns": list(SHORT_RECORD), "data": [list(SHORT_RECORD.values())]}}},
    protocol.RECORDS: {"value": {protocol.RECORDS: [SHORT_RECORD]}},
    protocol.INPUTS: {"value": {protocol.INPUTS: {name: [value] for name, value in SHORT_RECORD.items()}}},
    protocol.INSTANCES: {"value": {protocol.INSTANCES: [SHORT_RECORD]}},
}
_BODY: Final = {**json_body(protocol.REQUEST, _EXAMPLES), "description": "A data frame, or a CSV file."}
_BODY["content"][CSV] = {"schema": {"type": "string", "format": "binary"}}
_ERRORS: Final = protocol_errors(protocol.InvocationsError, 400, 408, 413, 415, 503)
_TEXT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.post(
    "/invocations",
    summary="Probability of readmission, in the format of `mlflow models serve`",
    response_class=Response,
    responses={200: {"model": protocol.InvocationsResponse, "description": "One probability per record."}, **_ERRORS},
    openapi_extra={"parameters": [CODE_SYSTEM_PARAMETER, REQUEST_ID_HEADER, LOAD_TEST_HEADER], "requestBody": _BODY},
)
async def invoke(request: Request) -> Response:
    """Score a data frame in the format of MLflow's clients, or a CSV file as in /predict/csv.

    The query names the code system of a CSV file; that of a data frame may stand in its `params` as well.
    """
    services = services_of(request)
    model = services.model_store.require()
    is_csv = check_media_type(request.scope, JSON, CSV) == CSV
    code_system = parse_code_system(request.scope["query_string"])
    parse = partial(protocol.parse_csv if is_csv else protocol.parse_invocation, code_system=code_system)
    _, scored = await score_request(await request.body(), parse, services, model.bundle, inline=not is_csv)
    services.prediction_recorder.record(request.scope, model, scored)
    document = {"predictions": scored.probabilities, **notes_of(scored)}
    return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), media_type=JSON)


@router.get(
    "/ping",
    summary="Whether a model is loaded",
    response_class=Response,
    responses=_TEXT | protocol_errors(protocol.InvocationsError, 503),
)
async def ping(services: ServicesDep) -> Response:
    """The same as /ready, at MLflow's path."""
    services.require_readiness()
    return Response("\n", media_type="text/plain")


@router.get("/version", summary="MLflow's version", response_class=Response, responses=_TEXT)
async def get_mlflow_version() -> Response:
    """MLflow's version of the protocol. The version of the model is in GET /model."""
    return Response(protocol.MLFLOW_VERSION, media_type="text/plain")
