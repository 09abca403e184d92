"""POST /explain."""

import asyncio

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.bodies import EXAMPLES, REQUEST_ID_HEADER, body_of
from api.contract.requests import EXPLAIN_REQUEST
from api.contract.responses import ExplainResponse
from api.scoring.explanations import explain_body
from api.services import services_of
from api.transport.openapi import json_body, problems

router = APIRouter()


@router.post(
    "/explain",
    summary="What the risk of a record is made of",
    tags=["Prediction"],
    response_class=Response,
    responses={
        200: {"model": ExplainResponse, "description": "One explanation per record, in the same order."},
        **problems(400, 408, 413, 415, 422, 503),
    },
    openapi_extra={"parameters": [REQUEST_ID_HEADER], "requestBody": json_body(EXPLAIN_REQUEST, EXAMPLES)},
)
async def explain(request: Request) -> Response:
    """Part the risk of 1 to 20 encounters among the fields that were given; an unknown field has no part in it.

    An explanation is not a prediction: it is neither logged nor counted as one.
    """
    services = services_of(request)
    model = services.store.require()
    asked = (await body_of(request), model.bundle, services.settings.max_records, services.history)
    # It takes milliseconds per record, so the event loop has to be free meanwhile.
    explanations = await asyncio.get_running_loop().run_in_executor(services.batch_pool, explain_body, *asked)
    answer = {
        "explanations": explanations,
        "model": model.summary,
        "request_id": request.scope["state"]["request_id"],
    }
    return Response(orjson.dumps(answer), media_type="application/json")
