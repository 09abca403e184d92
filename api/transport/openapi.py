"""What routes say of themselves in the OpenAPI document: tags, parameters, bodies read as bytes, errors, headers."""

from typing import Any, Final

from pydantic import BaseModel

from api.contract.requests import CODE_SYSTEM_DESCRIPTION, KNOWN_PATIENT, SHORT_RECORD
from api.contract.responses import Problem
from api.transport.error_responses import PROBLEM_JSON
from ml.schema import EXAMPLE_RECORD
from ml.schema.code_systems import CODE_SYSTEM

PREDICTION: Final = "prediction"
MODEL: Final = "model"
MLFLOW: Final = "mlflow"
OPEN_INFERENCE: Final = "open-inference"
STATUS: Final = "status"
TAGS: Final[dict[str, str]] = {
    PREDICTION: "Predictions, their explanations, and the outcomes that became known later.",
    MODEL: "The served model, and the policy by which encounters are flagged.",
    MLFLOW: "The protocol of `mlflow models serve`, for MLflow's clients.",
    OPEN_INFERENCE: "The Open Inference Protocol, version 2, for clients of KServe, Triton and Seldon.",
    STATUS: "Probes and metrics.",
}
"""Descriptions of the tags. Generated clients have a module or a class per tag."""

EXAMPLES: Final[dict[str, Any]] = {
    "three fields": {"summary": "Three fields; all others are unknown", "value": {"records": [SHORT_RECORD]}},
    "known patient": {
        "summary": "Three fields and the patient number: earlier stays are looked up",
        "value": {"records": [KNOWN_PATIENT]},
    },
    "full record": {"summary": "All 47 fields", "value": {"records": [EXAMPLE_RECORD]}},
}
REQUEST_ID_HEADER: Final[dict[str, Any]] = {
    "name": "X-Request-ID",
    "in": "header",
    "schema": {"type": "string"},
    "description": "Returned in the response. Generated when absent, longer than 128, or with other characters.",
}
LOAD_TEST_HEADER: Final[dict[str, Any]] = {
    "name": "X-Load-Test",
    "in": "header",
    "schema": {"type": "string"},
    "description": "1 marks what is not production traffic: load tests and trials. Monitoring leaves it out. "
    "Where the service has keys, only some may send it.",
}
OPERATOR_KEY_HEADER: Final[dict[str, Any]] = {
    "name": "X-Operator-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "The key of the operator, `OPERATOR_KEY`.",
}
INTERVAL: Final = "interval"
INTERVAL_PARAMETER: Final[dict[str, Any]] = {
    "name": INTERVAL,
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Whether to return, for each record, the range of the prediction if all fields were known.",
}
CODE_SYSTEM_PARAMETER: Final[dict[str, Any]] = {
    "name": CODE_SYSTEM,
    "in": "query",
    "schema": {"$ref": "#/components/schemas/CodeSystem"},
    "description": CODE_SYSTEM_DESCRIPTION,
}
RESPONSE_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-ID": {
        "description": "Identifies the request in the log, and its predictions in POST /feedback.",
        "required": True,
        "schema": {"type": "string"},
    },
    "X-Model-Version": {"description": "The version of the model.", "required": True, "schema": {"type": "string"}},
    "X-Policy": {"description": "The name of the policy behind `flagged`.", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}},
    "X-Mapped": {"description": "Texts that were read as another value.", "schema": {"type": "string"}},
    "X-Not-Scored": {
        "description": "Columns that are not of the data set: returned, not read.",
        "schema": {"type": "string"},
    },
    "X-Warning": {"description": "What is probably wrong with the file.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds until another attempt is worthwhile.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "How to send the key.", "required": True, "schema": {"type": "string"}},
}
"""Headers of responses, by name."""

HEADERS_BY_STATUS: Final = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
REFERENCE: Final = "#/components/schemas/{model}"
_DESCRIPTIONS: Final = {
    400: "The body does not have its declared format.",
    403: "The operator's key is missing or wrong, or the service has none.",
    404: "The model or the version is not served.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The route does not accept this media type.",
    422: "A record or a parameter is invalid; the response names record, field, value and allowed values.",
    503: "No model is loaded, or the service is overloaded.",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of a route's problem documents."""
    schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }


def protocol_errors(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the errors of a protocol with an error format of its own."""
    return {status: {"description": _DESCRIPTIONS[status], "model": model} for status in statuses}


def json_body(model: str, examples: dict[str, Any]) -> dict[str, Any]:
    """Documentation of a JSON body that the route reads as bytes."""
    content = {"schema": {"$ref": REFERENCE.format(model=model)}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def response_headers(*names: str) -> dict[str, Any]:
    """Documentation of a response's headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
