"""The OpenAPI document. FastAPI writes it, save the requests that hold records, which are read as bytes."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.contract.outcomes import FEEDBACK, OUTCOMES_ADAPTER
from api.contract.requests import EXPLAIN_REQUEST, REQUEST, REQUEST_ADAPTER
from api.contract.responses import Problem
from api.protocols.mlflow_scoring import REQUEST as INVOCATION
from api.protocols.mlflow_scoring import REQUEST_SCHEMA as INVOCATION_SCHEMA
from api.protocols.open_inference import REQUEST as INFERENCE
from api.protocols.open_inference import REQUEST_ADAPTER as INFERENCE_ADAPTER
from api.scoring.explanations import MOST_RECORDS
from api.transport.access import Guard
from api.transport.error_formats import PROBLEM_JSON

_REFERENCE: Final = "#/components/schemas/{model}"
_MEANINGS: Final = {
    400: "The body is not what it is declared to be.",
    404: "No such model is served, or not in this version.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is declared as something else than the route takes.",
    422: "A record or a parameter is not valid; the answer names record, field, value and what is allowed.",
    503: "No model is loaded yet, or there is too much to do at the moment.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the problem documents that a route may answer with."""
    reference = {"$ref": _REFERENCE.format(model=Problem.__name__)}
    return {
        status: {"description": _MEANINGS[status], "content": {PROBLEM_JSON: {"schema": reference}}}
        for status in statuses
    }


def errors_of(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the errors of a protocol that tells them in its own way."""
    return {status: {"description": _MEANINGS[status], "model": model} for status in statuses}


def json_body(model: str, examples: dict[str, Any]) -> dict[str, Any]:
    """Documentation of a request body that the route reads by itself."""
    content = {"schema": {"$ref": _REFERENCE.format(model=model)}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def document_of(app: FastAPI, max_records: int, guard: Guard) -> dict[str, Any]:
    """The whole document, written once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        request = REQUEST_ADAPTER.json_schema(ref_template=_REFERENCE)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(request.pop("$defs"))
        for name, most in ((REQUEST, max_records), (EXPLAIN_REQUEST, min(MOST_RECORDS, max_records))):
            records = {**request["properties"]["records"], "maxItems": most}
            schemas[name] = {**request, "title": name, "properties": {"records": records}}
        schemas[INVOCATION] = INVOCATION_SCHEMA
        schemas[INFERENCE] = INFERENCE_ADAPTER.json_schema(ref_template=_REFERENCE)
        schemas.update(schemas[INFERENCE].pop("$defs"))
        schemas[FEEDBACK] = OUTCOMES_ADAPTER.json_schema(ref_template=_REFERENCE)
        schemas.update(schemas[FEEDBACK].pop("$defs"))
        schemas[FEEDBACK]["properties"]["outcomes"]["maxItems"] = max_records
        schemas[Problem.__name__] = Problem.model_json_schema(ref_template=_REFERENCE)
        schemas.update(schemas[Problem.__name__].pop("$defs", {}))
        guard.describe(document)
        app.openapi_schema = document
    return app.openapi_schema
