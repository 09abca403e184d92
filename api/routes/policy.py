"""GET and PUT /policy."""

import hmac
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from api.contract.policies import POLICY_CHANGE, parse_policy_change
from api.contract.responses import PolicyState
from api.errors import NoOperatorKeyError
from api.services import Services, ServicesDep, services_of
from api.transport.http_request import JSON, get_header, read_json_body
from api.transport.openapi import MODEL, OPERATOR_KEY_HEADER, json_body, problem_responses
from ml.core.policies.policy import RecordedChange

router = APIRouter()

EXAMPLES: Final = {
    "set": {
        "summary": "Flag encounters with a risk of 20 % or more",
        "value": {
            "policy": {"name": "Twenty calls a week", "threshold": 0.2},
            "actor": "R. Diaz, ward 3",
            "reason": "Two nurses can call twenty patients a week.",
            "model_version": "3",
        },
    },
    "withdraw": {
        "summary": "Flag nobody any more",
        "value": {"policy": None, "actor": "R. Diaz, ward 3", "reason": "The calls end with the year."},
    },
}
_RESPONSES: Final[dict[int | str, Any]] = {
    200: {"model": PolicyState, "description": "The policy in force, and its changes."}
}


@router.get(
    "/policy",
    summary="The policy in force",
    tags=[MODEL],
    response_class=Response,
    responses={**_RESPONSES, **problem_responses(503)},
)
async def get_policy(services: ServicesDep) -> Response:
    """The threshold of risk from which encounters are flagged, and who changed it, when and why."""
    return _response(services, await services.policies.changes())


@router.put(
    "/policy",
    summary="Change the policy",
    tags=[MODEL],
    response_class=Response,
    responses={**_RESPONSES, **problem_responses(400, 403, 413, 415, 422, 503)},
    openapi_extra={"parameters": [OPERATOR_KEY_HEADER], "requestBody": json_body(POLICY_CHANGE, EXAMPLES)},
)
async def change_policy(request: Request) -> Response:
    """Put another policy in force, or none; every change is kept. Needs the operator's key."""
    services = services_of(request)
    _check_operator(request, services.settings.operator_key.get_secret_value())
    change = parse_policy_change(await read_json_body(request))
    return _response(services, await services.policies.change(change))


def _check_operator(request: Request, expected: str) -> None:
    if not expected:
        raise NoOperatorKeyError("Changing the policy is off: set OPERATOR_KEY and restart the service.")
    given = get_header(request.scope, b"x-operator-key") or b""
    if not hmac.compare_digest(given, expected.encode()):
        raise NoOperatorKeyError("The operator's key is required: send it as X-Operator-Key.")


def _response(services: Services, changes: list[RecordedChange] | None) -> Response:
    policy = services.policies.current
    document = {
        "policy": policy and policy.model_dump(),
        "changes": None if changes is None else [change.model_dump() for change in changes],
    }
    return Response(orjson.dumps(document), media_type=JSON)
