"""POST /predict."""

from asyncio import get_running_loop

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.bodies import (
    EXAMPLES,
    INTERVAL,
    INTERVAL_PARAMETER,
    JSON,
    LOAD_TEST_HEADER,
    REQUEST_ID_HEADER,
    media_type_of,
    pieces_of,
)
from api.contract.parsing import read_flag
from api.contract.requests import REQUEST
from api.contract.responses import PredictResponse
from api.models.store import ServedModel
from api.scoring.core import LARGE_BYTES, as_json, is_small, score_large
from api.scoring.large_batch_messages import Task
from api.services import Services, services_of
from api.telemetry.recorder import large_entry, record, record_large
from api.transport.openapi import json_body, problems
from api.transport.raw_route import BareRoute

router = APIRouter(route_class=BareRoute)


@router.post(
    "/predict",
    summary="Probability of readmission within 30 days",
    tags=["Prediction"],
    response_class=Response,
    responses={
        200: {"model": PredictResponse, "description": "One probability per record, in the same order."},
        **problems(400, 408, 413, 415, 422, 503),
    },
    openapi_extra={
        "parameters": [INTERVAL_PARAMETER, REQUEST_ID_HEADER, LOAD_TEST_HEADER],
        "requestBody": json_body(REQUEST, EXAMPLES),
    },
)
async def predict(request: Request) -> Response:
    """Score 1 to N encounters, each with any subset of the 47 fields; an absent or null field is unknown.

    With a `patient_nbr` the patient's earlier stays are looked up, briefly; the answer says what became of that.
    """
    # The body is read and answered as bytes: this is the hot path, and the documents above describe it.
    services = services_of(request)
    model = services.store.require()  # one reference for the whole request, whatever is swapped meanwhile
    interval = read_flag(request.scope["query_string"], INTERVAL)
    media_type_of(request.scope, JSON)
    pieces = await pieces_of(request)
    if sum(map(len, pieces)) > LARGE_BYTES:
        return await _large(request, services, model, pieces, interval)
    body = b"".join(pieces)
    asked = (body, model.bundle, services.settings.max_records, services.history, interval)
    if is_small(body):
        scored = await services.together.score(*asked)
    else:
        scored = await get_running_loop().run_in_executor(services.batch_pool, score_large, *asked)
    record(request, services, model, scored)
    return Response(as_json(scored, model.summary, request.scope["state"]["request_id"]), media_type=JSON)


async def _large(
    request: Request, services: Services, model: ServedModel, pieces: list[bytes], interval: bool
) -> Response:
    task = Task(
        services.settings.max_records,
        interval,
        model.bundle.reliability_curve,
        orjson.dumps(model.summary),
        request.scope["state"]["request_id"],
        large_entry(request, services, model),
    )
    with services.load.large_batch():
        answer = await services.large_batches.score(task, pieces, model.bundle, services.log.put)
    record_large(request, services, model, answer)
    return Response(answer.body, media_type=JSON)
