"""Metrics, start page and OpenAPI document."""

import json
import re

import jsonschema
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.contract.requests import FIELD_NAMES
from ml.schema import EXAMPLE_RECORD

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def metrics_of(client: TestClient) -> Samples:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def key(sample: str, /, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample, frozenset(labels.items())


def test_requests_are_measured_by_method_route_and_status(client: TestClient) -> None:
    client.post("/predict", json={"records": [{}]})
    client.post("/predict", json={"records": []})
    client.get("/nowhere/1")
    client.get("/nowhere/2")
    client.get("/docs/nothing")
    client.get("/predict")

    found = metrics_of(client)

    name = "api_request_duration_seconds_count"
    assert found[key(name, method="POST", route="/predict", status="200")] == 1
    assert found[key(name, method="POST", route="/predict", status="422")] == 1
    assert found[key(name, method="GET", route="/predict", status="405")] == 1
    assert found[key(name, method="GET", route="unmatched", status="404")] == 2
    assert found[key(name, method="GET", route="/docs/{name}", status="404")] == 1
    assert found[key("api_requests_in_flight")] == 1  # this very request


def test_predictions_of_load_tests_are_counted_separately(client: TestClient) -> None:
    client.post("/predict", json={"records": [{}] * 3})
    client.post("/predict", json={"records": [{}] * 4}, headers={"X-Load-Test": "1"})

    found = metrics_of(client)

    assert found[key("api_predictions_total", model_version="1", load_test="false")] == 3
    assert found[key("api_predictions_total", model_version="1", load_test="true")] == 4
    assert found[key("api_batch_size_sum")] == 7
    assert found[key("api_prediction_probability_count")] == 7


def test_the_model_and_the_registry_are_in_the_metrics(client: TestClient) -> None:
    found = metrics_of(client)

    labels = {"name": "diabetes-readmission", "version": "1", "algorithm": "logistic", "data_source": "synthetic"}
    assert found[key("model_info", **labels)] == 1
    for name in ("model_loaded", "model_served_version", "model_registered_version", "model_registry_reachable"):
        assert found[key(name)] == 1
    assert found[key("model_loaded_timestamp_seconds")] > 1.7e9
    assert found[key("model_last_reload_timestamp_seconds")] >= found[key("model_loaded_timestamp_seconds")] - 60
    for name in ("written_total", "dropped_total", "queue_length"):
        assert found[key(f"prediction_log_{name}")] == 0


def test_the_start_page_names_the_model_and_links_to_all_services(client: TestClient) -> None:
    page = client.get("/").text

    assert "Serving version 1 of diabetes-readmission." in page
    for path in re.findall(r'href="([a-z.]+)"', page):
        assert client.get(f"/{path}").status_code == 200
    addresses = [f"http://localhost:{port}" for port in (8501, 8080, 5000, 8089, 9090, 3000, 9093)]
    assert re.findall(r'href="(http[^"]+)"', page) == addresses


def test_swagger_ui_needs_no_internet_access(client: TestClient) -> None:
    page = client.get("/docs")

    assert "https://" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"docs/{name}" in page.text
        assert client.get(f"/docs/{name}").status_code == 200


@pytest.mark.parametrize(("path", "body"), [("/predict", "PredictRequest"), ("/explain", "ExplainRequest")])
def test_the_openapi_document_has_all_fields_and_valid_examples(client: TestClient, path: str, body: str) -> None:
    document = client.get("/openapi.json").json()

    operation = document["paths"][path]["post"]
    media = operation["requestBody"]["content"]["application/json"]
    assert media["schema"] == {"$ref": f"#/components/schemas/{body}"}
    assert set(document["components"]["schemas"]["PatientRecord"]["properties"]) == set(FIELD_NAMES)
    assert media["examples"]["full record"]["value"] == {"records": [EXAMPLE_RECORD]}
    validator = jsonschema.Draft202012Validator({**media["schema"], "components": document["components"]})
    for example in media["examples"].values():
        validator.validate(example["value"])
        assert client.post(path, json=example["value"]).status_code == 200
    assert {"400", "413", "415", "422", "503"} <= operation["responses"].keys()


def test_every_reference_in_the_openapi_document_resolves(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    references = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}

    assert references
    for reference in references:
        _, components, kind, name = reference.split("/")
        assert name in document[components][kind]


def test_every_route_with_input_has_examples(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    operations = {f"{method} {path}": one for path, methods in paths.items() for method, one in methods.items()}
    without = [
        name
        for name, operation in operations.items()
        for media_type, media in operation.get("requestBody", {}).get("content", {}).items()
        if media_type == "application/json" and not media.get("examples")
    ]
    without += [
        f"{name}: {parameter['name']}"
        for name, operation in operations.items()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path" and "example" not in parameter
    ]
    assert len(operations) > 15
    assert without == []
