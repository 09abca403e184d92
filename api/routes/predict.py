"""POST /predict."""

from asyncio import get_running_loop

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.parsing import parse_batch, parse_flag, parse_small
from api.contract.requests import REQUEST
from api.contract.responses import PredictResponse
from api.models.store import ServedModel
from api.scoring.core import LARGE_BYTES, is_small, score, to_json
from api.scoring.large_batches import BatchRequest
from api.services import Services, services_of
from api.transport import openapi
from api.transport.http_request import JSON, check_media_type, read_body_pieces
from api.transport.raw_route import RawRoute

router = APIRouter(route_class=RawRoute)


@router.post(
    "/predict",
    summary="Probability of readmission within 30 days",
    tags=[openapi.PREDICTION],
    response_class=Response,
    responses={
        200: {"model": PredictResponse, "description": "One probability per record, in the same order."},
        **openapi.problem_responses(400, 408, 413, 415, 422, 503),
    },
    openapi_extra={
        "parameters": [openapi.INTERVAL_PARAMETER, openapi.REQUEST_ID_HEADER, openapi.LOAD_TEST_HEADER],
        "requestBody": openapi.json_body(REQUEST, openapi.EXAMPLES),
    },
)
async def predict(request: Request) -> Response:
    """Score 1 to N encounters, each with any subset of the 47 fields; an absent or null field is unknown.

    For a record with `patient_nbr`, the patient's earlier stays are looked up within a time limit; `history` has the
    result.
    """
    # The hot path: the body is read and written as bytes; the decorator documents it.
    services = services_of(request)
    model = services.model_store.require()  # the same model for the whole request, also if it is swapped meanwhile
    interval = parse_flag(request.scope["query_string"], openapi.INTERVAL)
    check_media_type(request.scope, JSON)
    pieces, is_complete = await read_body_pieces(request, LARGE_BYTES)
    if sum(map(len, pieces)) > LARGE_BYTES:
        async with services.admission.large_batch():
            if not is_complete:
                pieces += (await read_body_pieces(request))[0]
            return await _predict_large_batch(request, services, model, pieces, interval)
    body, max_records = b"".join(pieces), services.settings.max_records
    if is_small(body):
        scored = await services.micro_batcher.score(parse_small(body, max_records), model.bundle, interval)
    else:
        scored = await get_running_loop().run_in_executor(
            services.batch_pool,
            lambda: score(parse_batch(body, max_records), model.bundle, services.patient_history, interval),
        )
    services.prediction_recorder.record(request.scope, model, scored)
    body = to_json(scored, model.summary, request.scope["state"]["request_id"], services.policies.current)
    return Response(body, media_type=JSON)


async def _predict_large_batch(
    request: Request, services: Services, model: ServedModel, pieces: list[bytes], interval: bool
) -> Response:
    recorder = services.prediction_recorder
    batch = BatchRequest(
        services.settings.max_records,
        interval,
        model.bundle.reliability_curve,
        orjson.dumps(model.summary),
        request.scope["state"]["request_id"],
        recorder.large_batch_entry(request.scope, model),
        services.policies.current,
    )
    result = await services.large_batches.score(batch, pieces, model.bundle, services.prediction_log.put)
    recorder.record_large_batch(request.scope, model, result)
    return Response(result.body, media_type=JSON)
