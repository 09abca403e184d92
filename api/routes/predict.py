"""POST /predict."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response

from api.answers import PredictResponse
from api.model_store import ServedModel
from api.openapi import json_body, problems
from api.parsing import read_flag
from api.prediction_log import Entry
from api.routes.bodies import EXAMPLES, REQUEST_ID_HEADER, body_of
from api.schemas import REQUEST
from api.scoring import Scored, is_small, score_large, score_small
from api.services import Services, services_of

router = APIRouter()

_INTERVAL: Final = "interval"
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": _INTERVAL,
        "in": "query",
        "schema": {"type": "boolean", "default": False},
        "description": "Whether to tell, for each record, the range of answers that knowing everything would give.",
    },
    REQUEST_ID_HEADER,
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
    openapi_extra={"parameters": _PARAMETERS, "requestBody": json_body(REQUEST, EXAMPLES)},
)
async def predict(request: Request) -> Response:
    """Score 1 to N encounters, each with any subset of the 47 fields; an absent or null field is unknown.

    With a `patient_nbr` the patient's earlier stays are looked up, briefly; the answer says what became of that.
    """
    # The body is read and answered as bytes: this is the hot path, and the documents above describe it.
    services = services_of(request)
    model = services.store.require()  # one reference for the whole request, whatever is swapped meanwhile
    interval = read_flag(request.scope["query_string"], _INTERVAL)
    body = await body_of(request)
    asked = (body, model.bundle, services.settings.max_records, services.history, interval)
    if is_small(body):
        scored = await score_small(*asked)
    else:
        scored = await asyncio.get_running_loop().run_in_executor(services.batch_pool, score_large, *asked)
    request_id: str = request.scope["state"]["request_id"]
    _record(services, model, scored, request_id, request.headers.get("x-load-test") == "1")
    return _answer(scored, model, request_id)


def _answer(scored: Scored, model: ServedModel, request_id: str) -> Response:
    answer: dict[str, Any] = {
        "predictions": scored.probabilities,
        "known_fields": scored.known_fields,
        "reliability": scored.reliability,
        "history": scored.history,
        "model": model.summary,
        "request_id": request_id,
    }
    if scored.intervals is not None:
        answer["intervals"] = np.ascontiguousarray(scored.intervals)
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def _record(services: Services, model: ServedModel, scored: Scored, request_id: str, load_test: bool) -> None:
    version = model.registered.version
    services.metrics.observe_predictions(version, load_test, scored.probabilities)
    services.metrics.observe_history(scored.history)
    if services.settings.prediction_log:
        source = model.bundle.manifest.data_source
        moment = datetime.now(UTC)
        known = scored.known_fields
        services.log.put(
            Entry(request_id, moment, version, source, load_test, scored.records, known, scored.probabilities)
        )
