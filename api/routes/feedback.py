"""POST /feedback."""

import asyncio

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.field_errors import FieldError, invalid_records
from api.contract.outcomes import FEEDBACK, Outcome, parse_outcomes
from api.contract.responses import FeedbackResponse
from api.services import services_of
from api.transport.access import client_of
from api.transport.http_request import JSON, read_json_body
from api.transport.openapi import PREDICTION, REQUEST_ID_HEADER, json_body, problem_responses

router = APIRouter()

EXAMPLES = {
    "by request": {
        "summary": "A request of one record; the patient was readmitted",
        "value": {"outcomes": [
            {"request_id": "5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11", "readmitted_within_30_days": True,
             "known_on": "2026-11-20"},
        ]},
    },
    "by encounter": {
        "summary": "An encounter, with an outcome as in the data set",
        "value": {"outcomes": [{"encounter_id": "E-2026-0081", "readmitted": ">30", "known_on": "2026-11-20"}]},
    },
}  # fmt: skip


@router.post(
    "/feedback",
    summary="Outcomes of patients",
    tags=[PREDICTION],
    response_class=Response,
    responses={
        200: {"model": FeedbackResponse, "description": "One result per outcome, in the same order."},
        **problem_responses(400, 413, 415, 422, 503),
    },
    openapi_extra={"parameters": [REQUEST_ID_HEADER], "requestBody": json_body(FEEDBACK, EXAMPLES)},
)
async def send_feedback(request: Request) -> Response:
    """Store the outcomes of 1 to N predictions, all or none.

    Sending the same outcome again changes nothing. Another outcome of the same prediction is a correction; the earlier
    one is kept as history. What was reported with an API key is corrected with that key only. An outcome may arrive
    before its prediction is logged: they are joined when read. An outcome dated before its prediction is refused or, if
    it arrives before the prediction is logged, not counted.
    """
    services = services_of(request)
    outcomes = await asyncio.to_thread(parse_outcomes, await read_json_body(request), services.settings.max_records)
    if not services.pseudonyms.logs_encounters:
        _reject_encounters(outcomes)
    results = await services.feedback_store.store(outcomes, client_of(request.scope, services.pseudonyms))
    services.metrics.observe_feedback([status for status, _ in results])
    document = {
        "outcomes": [{"status": status, "predictions": count} for status, count in results],
        "request_id": request.scope["state"]["request_id"],
    }
    return Response(orjson.dumps(document), media_type=JSON)


def _reject_encounters(outcomes: list[Outcome]) -> None:
    message = "this service does not log encounters (LOG_PATIENT_IDS=none): identify the prediction by request_id"
    errors = [
        FieldError(index, "encounter_id", outcome["encounter_id"], message)
        for index, outcome in enumerate(outcomes)
        if "encounter_id" in outcome
    ]
    if errors:
        raise invalid_records(errors, len(errors), "outcome")
