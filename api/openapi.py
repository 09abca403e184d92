"""The OpenAPI document. FastAPI writes it, save the requests that hold records, which are read as bytes."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.answers import Problem
from api.errors import PROBLEM_JSON
from api.explaining import MOST_RECORDS
from api.schemas import EXPLAIN_REQUEST, REQUEST, REQUEST_ADAPTER

_REFERENCE: Final = "#/components/schemas/{model}"
_MEANINGS: Final = {
    400: "The body is not JSON.",
    413: "The body is too large.",
    415: "The body is not declared as application/json.",
    422: "A record or a parameter is not valid; the answer names record, field, value and what is allowed.",
    503: "No model is loaded yet.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of the problem documents that a route may answer with."""
    reference = {"$ref": _REFERENCE.format(model=Problem.__name__)}
    return {
        status: {"description": _MEANINGS[status], "content": {PROBLEM_JSON: {"schema": reference}}}
        for status in statuses
    }


def json_body(model: str, examples: dict[str, Any]) -> dict[str, Any]:
    """Documentation of a request body that the route reads by itself."""
    content = {"schema": {"$ref": _REFERENCE.format(model=model)}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def document_of(app: FastAPI, max_records: int) -> dict[str, Any]:
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
        schemas[Problem.__name__] = Problem.model_json_schema(ref_template=_REFERENCE)
        schemas.update(schemas[Problem.__name__].pop("$defs", {}))
        app.openapi_schema = document
    return app.openapi_schema
