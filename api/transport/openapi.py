"""The OpenAPI document, with the bodies that routes read as bytes, and documentation that routes share."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.contract.outcomes import FEEDBACK, OUTCOMES_ADAPTER
from api.contract.requests import (
    EXPLAIN_REQUEST,
    KNOWN_PATIENT,
    MAX_EXPLAIN_RECORDS,
    REQUEST,
    REQUEST_ADAPTER,
    SHORT_RECORD,
)
from api.contract.responses import Problem
from api.protocols import mlflow_scoring, open_inference
from api.transport.access import AccessControl
from api.transport.error_responses import PROBLEM_JSON
from ml.schema import EXAMPLE_RECORD

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
    "description": "1 marks the traffic of a load test.",
}
INTERVAL: Final = "interval"
INTERVAL_PARAMETER: Final[dict[str, Any]] = {
    "name": INTERVAL,
    "in": "query",
    "schema": {"type": "boolean", "default": False},
    "description": "Whether to return, for each record, the range of the prediction if all fields were known.",
}
_REFERENCE: Final = "#/components/schemas/{model}"
_DESCRIPTIONS: Final = {
    400: "The body does not have its declared format.",
    404: "The model or the version is not served.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The route does not accept this media type.",
    422: "A record or a parameter is invalid; the response names record, field, value and allowed values.",
    503: "No model is loaded, or the service is overloaded.",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of a route's problem documents."""
    schema = {"$ref": _REFERENCE.format(model=Problem.__name__)}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }


def protocol_errors(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the errors of a protocol with an error format of its own."""
    return {status: {"description": _DESCRIPTIONS[status], "model": model} for status in statuses}


def json_body(model: str, examples: dict[str, Any]) -> dict[str, Any]:
    """Documentation of a JSON body that the route reads as bytes."""
    content = {"schema": {"$ref": _REFERENCE.format(model=model)}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def openapi_document(app: FastAPI, max_records: int, access: AccessControl) -> dict[str, Any]:
    """The whole document; built once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        request = REQUEST_ADAPTER.json_schema(ref_template=_REFERENCE)
        for name, limit in ((REQUEST, max_records), (EXPLAIN_REQUEST, min(MAX_EXPLAIN_RECORDS, max_records))):
            records = {**request["properties"]["records"], "maxItems": limit}
            schemas[name] = {**request, "title": name, "properties": {"records": records}}
        schemas[mlflow_scoring.REQUEST] = mlflow_scoring.REQUEST_SCHEMA
        schemas[open_inference.REQUEST] = open_inference.REQUEST_ADAPTER.json_schema(ref_template=_REFERENCE)
        schemas[FEEDBACK] = OUTCOMES_ADAPTER.json_schema(ref_template=_REFERENCE)
        schemas[FEEDBACK]["properties"]["outcomes"]["maxItems"] = max_records
        schemas[Problem.__name__] = Problem.model_json_schema(ref_template=_REFERENCE)
        for name in (REQUEST, EXPLAIN_REQUEST, open_inference.REQUEST, FEEDBACK, Problem.__name__):
            schemas.update(schemas[name].pop("$defs", {}))
        access.document(document)
        app.openapi_schema = document
    return app.openapi_schema
