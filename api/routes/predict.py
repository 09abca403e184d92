"""POST /predict."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers

from api.errors import UnsupportedMediaError
from api.model_store import ServedModel
from api.openapi import json_body, problems
from api.prediction_log import Entry
from api.schemas import REQUEST, SHORT_RECORD, PredictResponse
from api.scoring import Scored, is_small, score
from api.services import Services, services_of
from ml.schema import EXAMPLE_RECORD

router = APIRouter()

_EXAMPLES: Final[dict[str, Any]] = {
    "three fields": {
        "summary": "Three fields; all others are unknown",
        "value": {"records": [SHORT_RECORD]},
    },
    "full record": {"summary": "All 47 fields", "value": {"records": [EXAMPLE_RECORD]}},
}
_HEADERS: Final[list[dict[str, Any]]] = [
    {
        "name": "X-Request-ID",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Comes back in the answer; generated when absent, longer than 128, or of odd characters.",
    },
    {
        "name": "X-Load-Test",
        "in": "header",
        "schema": {"type": "string"},
        "description": "1 marks the traffic of a load test.",
    },
]


@router.post(
    "/predict",
    summary="Probability of readmission within 30 days",
    tags=["Prediction"],
    response_class=Response,
    responses={
        200: {"model": PredictResponse, "description": "One probability per record, in the same order."},
        **problems(400, 413, 415, 422, 503),
    },
    openapi_extra={"parameters": _HEADERS, "requestBody": json_body(REQUEST, _EXAMPLES)},
)
async def predict(request: Request) -> Response:
    """Score 1 to N encounters, each with any subset of the 47 fields; an absent or null field is unknown."""
    # The body is read and answered as bytes: this is the hot path, and the documents above describe it.
    services = services_of(request)
    model = services.store.require()  # one reference for the whole request, whatever is swapped meanwhile
    headers = request.headers
    _check_media_type(headers)
    body = await request.body()
    limit = services.settings.max_records
    if is_small(body):
        scored = score(body, model.bundle, limit)
    else:
        loop = asyncio.get_running_loop()
        scored = await loop.run_in_executor(services.batch_pool, score, body, model.bundle, limit)
    request_id: str = request.scope["state"]["request_id"]
    _record(services, model, scored, request_id, headers.get("x-load-test") == "1")
    answer = {"predictions": scored.probabilities, "model": model.summary, "request_id": request_id}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def _check_media_type(headers: Headers) -> None:
    given = headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        shown = f"'{given[:80]}'" if given else "no Content-Type"
        raise UnsupportedMediaError(f"Send the body as Content-Type: application/json in UTF-8; this one had {shown}.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaError("Send the body without Content-Encoding.", headers={"Accept-Encoding": "identity"})


def _record(services: Services, model: ServedModel, scored: Scored, request_id: str, load_test: bool) -> None:
    version = model.registered.version
    services.metrics.observe_predictions(version, load_test, scored.probabilities)
    if services.settings.prediction_log:
        source = model.bundle.manifest.data_source
        moment = datetime.now(UTC)
        services.log.put(Entry(request_id, moment, version, source, load_test, scored.records, scored.probabilities))
