"""The OpenAPI document: what routes say of themselves, with names for everything that generators make a class of."""

import re
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.contract.outcomes import FEEDBACK, OUTCOMES_ADAPTER
from api.contract.policies import CHANGE_ADAPTER, POLICY_CHANGE
from api.contract.requests import EXPLAIN_REQUEST, MAX_EXPLAIN_RECORDS, RECORD, REQUEST, REQUEST_ADAPTER
from api.contract.responses import Problem
from api.protocols import mlflow_scoring, open_inference
from api.transport.access import AccessControl
from api.transport.openapi import HEADERS_BY_STATUS, REFERENCE, RESPONSE_HEADERS, TAGS, response_headers
from ml.schema import BY_NAME, Column

_CONTACT: Final = {"name": "The operator of this service"}
_LICENSE: Final = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
_SHARED_VALUES: Final = {"metformin": "DrugDose"}
"""Names of sets of values that several columns share, by the first of the columns."""


def openapi_document(app: FastAPI, max_records: int, access: AccessControl) -> dict[str, Any]:
    """The whole document; built once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=[{"name": name, "description": description} for name, description in TAGS.items()],
            servers=[{"url": ".", "description": "The service that sent this document."}],
            contact=_CONTACT,
            license_info=_LICENSE,
        )
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(_schemas_of_bodies(max_records))
        components["schemas"].update(_name_value_sets(components["schemas"][RECORD]["properties"]))
        _restore_bodies(document, app)
        access.document(document)
        _document_headers(document)
        app.openapi_schema = document
    return app.openapi_schema


def _restore_bodies(document: dict[str, Any], app: FastAPI) -> None:
    """Document the bodies as the routes do: FastAPI leaves out members that are null, in examples too."""
    for route in app.routes:
        if isinstance(route, APIRoute) and (body := (route.openapi_extra or {}).get("requestBody")):
            for method in route.methods:
                document["paths"][route.path_format][method.lower()]["requestBody"] = body


def _schemas_of_bodies(max_records: int) -> dict[str, Any]:
    """Schemas of the bodies that routes read as bytes, and of problem documents."""
    schemas: dict[str, Any] = {}
    request = REQUEST_ADAPTER.json_schema(ref_template=REFERENCE)
    for schema in request["properties"].values():
        schema.pop("default", None)  # openapi-typescript makes a member with a default a required one
    for name, limit in ((REQUEST, max_records), (EXPLAIN_REQUEST, min(MAX_EXPLAIN_RECORDS, max_records))):
        records = {**request["properties"]["records"], "maxItems": limit}
        schemas[name] = {**request, "title": name, "properties": {**request["properties"], "records": records}}
    schemas[open_inference.REQUEST] = open_inference.REQUEST_ADAPTER.json_schema(ref_template=REFERENCE)
    schemas[FEEDBACK] = OUTCOMES_ADAPTER.json_schema(ref_template=REFERENCE)
    schemas[FEEDBACK]["properties"]["outcomes"]["maxItems"] = max_records
    schemas[POLICY_CHANGE] = CHANGE_ADAPTER.json_schema(ref_template=REFERENCE)
    schemas[Problem.__name__] = Problem.model_json_schema(ref_template=REFERENCE)
    for name in tuple(schemas):
        schemas.update(schemas[name].pop("$defs", {}))
    return schemas | mlflow_scoring.SCHEMAS


def _name_value_sets(properties: dict[str, Any]) -> dict[str, Any]:
    """Move the sets of values of a record's fields to components; returns these by name.

    Generators name the class of an inline set after its place ("PatientRecordRaceType0").
    """
    names: dict[tuple[str | int, ...], str] = {}
    components: dict[str, Any] = {}
    for name, schema in properties.items():
        for option in schema.get("anyOf", ()):
            if "enum" in option:
                component = names.setdefault(tuple(option["enum"]), _SHARED_VALUES.get(name, _class_name(name)))
                components[component] = {"title": component, **option, "x-enum-varnames": _constants(BY_NAME[name])}
                option.clear()
                option["$ref"] = REFERENCE.format(model=component)
    return components


def _class_name(column: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in column.removesuffix("_id").split("_"))


def _constants(column: Column) -> list[str]:
    """Names for the values of a column, for generators that write them as constants."""
    texts = (column.text_of(value).replace(">", "over ") for value in column.allowed)
    names = (re.sub(r"\W+", "_", text).strip("_").upper() for text in texts)
    return [f"{column.name.upper()}_{name}" if name[0].isdigit() else name for name in names]


def _document_headers(document: dict[str, Any]) -> None:
    """Add the headers that the middleware and error handlers send."""
    document["components"]["headers"] = RESPONSE_HEADERS
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"] = dict(sorted(operation["responses"].items()))
            for status, response in operation["responses"].items():
                names = ["X-Request-ID", *HEADERS_BY_STATUS.get(int(status), ())]
                response["headers"] = {**response.get("headers", {}), **response_headers(*names)}
