"""POST /predict: its contract, and problem documents for invalid requests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.schema import EXAMPLE_RECORD
from tests.integration.api.bundles import RECORDS, expected
from tests.integration.api.conftest import StartApi, eventually

JSON = {"Content-Type": "application/json"}


def test_the_response_has_one_probability_per_record_model_and_request_id(client: TestClient) -> None:
    record = {"race": "Caucasian", "gender": "Female", "age": "[60-70)"}

    answer = client.post("/predict", json={"records": [record]})

    assert answer.status_code == 200
    assert answer.json() == {
        "predictions": [pytest.approx(expected(record, -2), abs=1e-6)],
        "known_fields": [3],
        "policy": None,
        "flagged": [None],
        "reliability": [round(0.5 + 0.1 * 2 * 3 / 48, 3)],
        "history": ["none"],
        "outside_population": [None],
        "warnings": [],
        "model": {"name": "diabetes-readmission", "version": "1", "data_source": "synthetic"},
        "request_id": answer.headers["x-request-id"],
    }


def test_predictions_are_in_the_order_of_the_records(client: TestClient) -> None:
    answer = client.post("/predict", json={"records": RECORDS})

    assert answer.json()["predictions"] == pytest.approx([expected(record, -2) for record in RECORDS], abs=1e-6)


@pytest.mark.parametrize("size", [60, 300, 2_500])
def test_a_batch_has_the_same_predictions_as_single_records(client: TestClient, size: int) -> None:
    records = [{**EXAMPLE_RECORD, "number_inpatient": index % 50} for index in range(size)]

    answer = client.post("/predict", json={"records": records})

    assert answer.json()["predictions"] == pytest.approx([expected(record, -2) for record in records], abs=1e-6)


def test_an_absent_field_and_null_mean_the_same(client: TestClient) -> None:
    full = dict.fromkeys(EXAMPLE_RECORD)

    answer = client.post("/predict", json={"records": [{}, full]}).json()["predictions"]

    assert answer[0] == answer[1]


def test_a_media_type_with_charset_is_accepted(client: TestClient) -> None:
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"'}

    assert client.post("/predict", content='{"records": [{}]}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ('{"records": [{"age": "abc"}]}', "age", "age must be one of"),
        ('{"records": [{"time_in_hospital": 15}]}', "time_in_hospital", "a whole number from 1 to 14"),
        ('{"records": [{"time_in_hospital": "3"}]}', "time_in_hospital", "'3' is not"),
        ('{"records": [{"admission_type_id": true}]}', "admission_type_id", "true is not"),
        ('{"records": [{"diag_1": "ABC"}]}', "diag_1", "an ICD-9-CM code such as"),
        ('{"records": [{"colour": "red"}]}', "colour", "unknown field 'colour'"),
        ('{"records": []}', "records", "must hold 1 to 10000 records"),
        ('{"records": null}', "records", "must be a list"),
        ("{}", "records", "must be a list"),
        ("[]", None, "the body is a list"),
    ],
)
def test_an_invalid_value_is_a_422_that_names_it(
    client: TestClient, body: str, field: str | None, message: str
) -> None:
    answer = client.post("/predict", content=body, headers=JSON)

    problem = assert_problem(answer, 422)
    assert problem["errors"][0]["field"] == field
    assert message in problem["errors"][0]["message"]


def test_malformed_json_is_a_400(client: TestClient) -> None:
    problem = assert_problem(client.post("/predict", content='{"records": [NaN]}', headers=JSON), 400)

    assert "not valid JSON" in problem["detail"]


@pytest.mark.parametrize("media", [None, "text/csv", "text/plain", "application/json; charset=utf-16", "a/b/c"])
def test_another_content_type_is_a_415(client: TestClient, media: str | None) -> None:
    headers = {"Content-Type": media} if media else {}

    problem = assert_problem(client.post("/predict", content=b'{"records": [{}]}', headers=headers), 415)

    assert "application/json" in problem["detail"]


def test_another_encoding_than_gzip_is_a_415_that_names_gzip(client: TestClient) -> None:
    answer = client.post("/predict", content=b"{}", headers=JSON | {"Content-Encoding": "br"})

    assert "gzip" in assert_problem(answer, 415)["detail"]
    assert answer.headers["accept-encoding"] == "gzip, identity"


def test_an_unknown_path_is_a_404_and_another_method_a_405(client: TestClient) -> None:
    assert_problem(client.get("/nowhere"), 404)
    rejected = client.put("/predict", json={})
    assert_problem(rejected, 405)
    assert rejected.headers["allow"] == "POST"


def test_a_body_over_the_limit_is_a_413_declared_or_streamed(client: TestClient, start_api: StartApi) -> None:
    small = start_api(max_body_bytes=1024)
    eventually(lambda: small.get("/ready").status_code == 200)

    def stream() -> Iterator[bytes]:
        for _ in range(8):
            yield b" " * 256

    assert_problem(small.post("/predict", content=b" " * 1025, headers=JSON), 413)
    assert_problem(small.post("/predict", content=stream(), headers=JSON), 413)
    assert small.post("/predict", content=b'{"records": [{}]}'.ljust(1024), headers=JSON).status_code == 200


def test_more_records_than_allowed_are_a_422(client: TestClient, start_api: StartApi) -> None:
    small = start_api(max_records=2)
    eventually(lambda: small.get("/ready").status_code == 200)

    assert_problem(small.post("/predict", json={"records": [{}] * 3}), 422)
    assert small.post("/predict", json={"records": [{}] * 2}).status_code == 200


def test_an_unexpected_error_is_a_problem_without_details(client: TestClient) -> None:
    client.app.state.services.model_store.current = object()  # type: ignore[attr-defined]

    problem = assert_problem(client.post("/predict", json={"records": [{}]}), 500)

    assert "object" not in json.dumps(problem)


@pytest.mark.parametrize("given", ["abc-123", "a" * 128, "trace:1/2+3=@x_y"])
def test_a_valid_request_id_is_returned(client: TestClient, given: str) -> None:
    answer = client.post("/predict", json={"records": [{}]}, headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "a\tb", 'a"b', "ä"])
def test_an_invalid_request_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.post("/predict", json={"records": [{}]}, headers={"X-Request-ID": given.encode()})

    assert len(answer.headers["x-request-id"]) == 32


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    """Check the members of every problem document, and return it."""
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == problem["request_id"] != ""
    assert {"type", "title", "detail", "instance"} <= problem.keys()
    return problem
