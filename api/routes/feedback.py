"""POST /feedback."""

import asyncio

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.bodies import REQUEST_ID_HEADER, body_of
from api.contract.outcomes import FEEDBACK, Outcome, read_outcomes
from api.contract.responses import FeedbackResponse
from api.contract.validation_errors import Fault
from api.errors import InvalidRecordsError
from api.services import services_of
from api.transport.access import client_of
from api.transport.openapi import json_body, problems

router = APIRouter()

EXAMPLES = {
    "by request": {
        "summary": "The first record of a request; the patient came back",
        "value": {"outcomes": [
            {"request_id": "5f0c9d0a4a6e4d0f8d0d4f6f2d3f7a11", "readmitted_within_30_days": True,
             "known_on": "2026-11-20"},
        ]},
    },
    "by encounter": {
        "summary": "An encounter, in the words of the data set",
        "value": {"outcomes": [{"encounter_id": 14_409_084, "readmitted": ">30", "known_on": "2026-11-20"}]},
    },
}  # fmt: skip


@router.post(
    "/feedback",
    summary="What became of patients",
    tags=["Prediction"],
    response_class=Response,
    responses={
        200: {"model": FeedbackResponse, "description": "What became of each outcome, in the same order."},
        **problems(400, 413, 415, 422, 503),
    },
    openapi_extra={
        "parameters": [REQUEST_ID_HEADER],
        "requestBody": json_body(FEEDBACK, EXAMPLES),
    },
)
async def feedback(request: Request) -> Response:
    """Take the outcomes of 1 to N predictions, all or none.

    Telling the same again changes nothing; another outcome of the same prediction is a correction, and the earlier one
    is kept as history. An outcome may come before its prediction is in the log: the two are joined when they are read.
    """
    services = services_of(request)
    outcomes = await asyncio.to_thread(read_outcomes, await body_of(request), services.settings.max_records)
    if not services.pseudonyms.logs_encounters:
        _refuse_encounters(outcomes)
    stored = await services.feedback.store(outcomes, client_of(request.scope, services.pseudonyms))
    services.metrics.observe_feedback([status for status, _ in stored])
    answer = {
        "outcomes": [{"status": status, "predictions": count} for status, count in stored],
        "request_id": request.scope["state"]["request_id"],
    }
    return Response(orjson.dumps(answer), media_type="application/json")


def _refuse_encounters(outcomes: list[Outcome]) -> None:
    message = "this service does not keep encounters (LOG_PATIENT_IDS=none): name the prediction by request_id"
    faults = [
        Fault(index, "encounter_id", outcome["encounter_id"], message).as_json()
        for index, outcome in enumerate(outcomes)
        if "encounter_id" in outcome
    ]
    if faults:
        raise InvalidRecordsError(f"Outcome {faults[0]['record']}: {message}.", faults[:20], len(faults))
