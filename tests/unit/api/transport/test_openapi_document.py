"""The OpenAPI document has what generators of clients need: names, headers, and no anonymous alternatives."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.api.transport.test_access import app_with

OPERATIONS = {
    "predict", "predict_csv", "explain", "send_feedback", "get_model", "get_monitoring", "invoke", "ping",
    "get_mlflow_version", "get_server_metadata", "is_server_live", "is_server_ready", "is_model_ready",
    "get_model_metadata", "infer_model", "is_model_version_ready", "get_model_version_metadata",
    "infer_model_version", "get_health", "get_readiness", "get_metrics", "get_model_config",
    "get_model_version_config", "get_repository_index", "get_policy", "change_policy",
}  # fmt: skip
"""The list is kept here: a changed name breaks generated clients."""


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    return app_with(tmp_path).openapi()


def operations_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def alternatives(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every option of every ``anyOf`` and ``oneOf``, with its place."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from alternatives(item, f"{place}/{index}")
    elif isinstance(node, dict):
        for name, item in node.items():
            if name in ("anyOf", "oneOf"):
                yield from ((f"{place}/{name}/{index}", option) for index, option in enumerate(item))
            yield from alternatives(item, f"{place}/{name}")


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations_of(document)]

    assert len(names) == len(set(names))
    assert set(names) == OPERATIONS


def test_every_tag_is_described(document: dict[str, Any]) -> None:
    used = {tag for operation in operations_of(document) for tag in operation["tags"]}

    assert {tag["name"] for tag in document["tags"] if tag["description"]} == used


def test_generators_find_server_licence_and_contact(document: dict[str, Any]) -> None:
    assert [server["url"] for server in document["servers"]] == ["."]
    assert document["info"]["license"] == {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    assert document["info"]["contact"]["name"]


def test_every_response_names_its_headers(document: dict[str, Any]) -> None:
    for operation in operations_of(document):
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"], operation["operationId"]
            assert ("Retry-After" in response["headers"]) == (status in ("429", "503")), operation["operationId"]
            assert {header["$ref"].rpartition("/")[2] for header in response["headers"].values()} == set(
                response["headers"]
            )
            assert set(response["headers"]) <= document["components"]["headers"].keys()


def test_no_alternative_is_an_anonymous_object_or_set_of_values(document: dict[str, Any]) -> None:
    anonymous = [place for place, option in alternatives(document) if {"enum", "properties"} & option.keys()]

    assert anonymous == []


def test_every_set_of_values_of_a_record_has_constants(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    sets = {
        option["$ref"].rpartition("/")[2]
        for field in schemas["PatientRecord"]["properties"].values()
        for option in field.get("anyOf", [])
        if "$ref" in option
    }

    assert {"Race", "Age", "AdmissionType", "DrugDose"} <= sets
    for name in sets:
        constants = schemas[name]["x-enum-varnames"]
        assert len(set(constants)) == len(schemas[name]["enum"]), name
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", constant) for constant in constants), name


@pytest.mark.parametrize("body", ["PredictRequest", "ExplainRequest", "FeedbackRequest", "InferenceRequest"])
def test_no_member_of_a_body_has_a_default_which_generators_take_for_required(
    document: dict[str, Any], body: str
) -> None:
    members = document["components"]["schemas"][body]["properties"]

    assert [name for name, schema in members.items() if "default" in schema] == []


def test_every_example_of_a_body_fits_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for operation in operations_of(document):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        schema = {**media.get("schema", {}), "components": document["components"]}
        for example in media.get("examples", {}).values():
            jsonschema.Draft202012Validator(schema).validate(example["value"])
            checked += 1
    withdraw = document["paths"]["/policy"]["put"]["requestBody"]["content"]["application/json"]["examples"]["withdraw"]
    assert withdraw["value"]["policy"] is None
    assert checked >= 10
