"""POST /explain."""

import asyncio

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.requests import EXPLAIN_REQUEST
from api.contract.responses import ExplainResponse
from api.scoring.explanations import explain_body
from api.services import services_of
from api.transport.access import client_of
from api.transport.http_request import JSON, read_json_body
from api.transport.openapi import EXAMPLES, PREDICTION, REQUEST_ID_HEADER, json_body, problem_responses

router = APIRouter()


@router.post(
    "/explain",
    summary="Contributions of the fields to the risk",
    tags=[PREDICTION],
    response_class=Response,
    responses={
        200: {"model": ExplainResponse, "description": "One explanation per record, in the same order."},
        **problem_responses(400, 408, 413, 415, 422, 503),
    },
    openapi_extra={"parameters": [REQUEST_ID_HEADER], "requestBody": json_body(EXPLAIN_REQUEST, EXAMPLES)},
)
async def explain(request: Request) -> Response:
    """Split the risk of 1 to 20 encounters into contributions of their known fields.

    An explanation is not a prediction: it is neither logged nor counted as one. The access log has who asked
    about which patient.
    """
    services = services_of(request)
    model = services.model_store.require()
    body = await read_json_body(request)
    arguments = (body, services.settings.max_records, model.bundle, services.patient_history)
    # Takes milliseconds per record, hence not in the event loop.
    pool, request_id = services.batch_pool, request.scope["state"]["request_id"]
    explanations, records = await asyncio.get_running_loop().run_in_executor(pool, explain_body, *arguments)
    await services.access_log.explained(records, client_of(request.scope, services.pseudonyms), request_id)
    document = {"explanations": explanations, "model": model.summary, "request_id": request_id}
    return Response(orjson.dumps(document), media_type=JSON)
