"""POST /explain: contributions that add up to the risk."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.schema import BY_NAME, EXAMPLE_RECORD
from tests.integration.api.bundles import expected
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.routes.test_predict import JSON, assert_problem

RECORDS: list[dict[str, Any]] = [
    {},
    {"gender": "Female", "number_inpatient": 4, "race": None},
    EXAMPLE_RECORD,
    {"patient_nbr": 7, "gender": "Male"},
]


def explanations(client: TestClient, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = client.post("/explain", json={"records": records})
    assert answer.status_code == 200, answer.text
    explained: list[dict[str, Any]] = answer.json()["explanations"]
    return explained


def test_the_contributions_add_up_to_the_probability_of_predict(client: TestClient) -> None:
    predicted = client.post("/predict", json={"records": RECORDS}).json()

    explained = explanations(client, RECORDS)

    assert [one["probability"] for one in explained] == pytest.approx(predicted["predictions"], abs=1e-6)
    for name in ("known_fields", "reliability", "history"):
        assert [one[name] for one in explained] == predicted[name]
    for one in explained:
        parts = sum(part["contribution"] for part in one["contributions"])
        assert one["base"] + parts + one["remainder"] == pytest.approx(one["probability"], abs=1e-9)
        assert one["base"] == pytest.approx(expected({}, -2), abs=1e-6)


def test_every_known_field_has_a_contribution_the_largest_first(client: TestClient) -> None:
    nothing, some, full, _ = explanations(client, RECORDS)

    assert nothing["contributions"] == []
    assert [part["field"] for part in some["contributions"]] == ["number_inpatient", "gender"]
    first = some["contributions"][0]
    assert (first["label"], first["value"], first["standard_error"]) == (BY_NAME["number_inpatient"].label, 4, 0)
    assert first["contribution"] > 0.2
    assert {part["field"] for part in full["contributions"]} == set(EXAMPLE_RECORD)
    sizes = [abs(part["contribution"]) for part in full["contributions"]]
    assert sizes == sorted(sizes, reverse=True)


def test_identifiers_have_no_contribution(client: TestClient) -> None:
    *_, known = explanations(client, RECORDS)

    assert [part["field"] for part in known["contributions"]] == ["gender"]
    assert known["history"] == "unavailable"


def test_the_response_names_model_and_request(client: TestClient) -> None:
    answer = client.post("/explain", json={"records": [{}]}, headers={"X-Request-ID": "abc"})

    assert answer.json()["model"] == {"name": "diabetes-readmission", "version": "1", "data_source": "synthetic"}
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "abc"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ('{"records": [{"age": "abc"}]}', 422, "age must be one of"),
        ('{"records": [' + "{}," * 20 + "{}]}", 422, "Records must hold 1 to 20 records, not 21"),
        ('{"records": []}', 422, "Records must hold 1 to 20 records, not 0"),
        ("{", 400, "not valid JSON"),
    ],
)
def test_invalid_bodies_have_the_errors_of_predict(client: TestClient, body: str, status: int, message: str) -> None:
    assert message in assert_problem(client.post("/explain", content=body, headers=JSON), status)["detail"]


def test_another_content_type_is_a_415(client: TestClient) -> None:
    assert_problem(client.post("/explain", content="{}", headers={"Content-Type": "text/csv"}), 415)


def test_without_a_model_it_is_a_503(start_api: StartApi) -> None:
    problem = assert_problem(start_api().post("/explain", json={"records": [{}]}), 503)

    assert problem["detail"] == "no production model yet: run train_models_diabetes_simple"


def test_it_is_not_counted_as_a_prediction(client: TestClient) -> None:
    explanations(client, RECORDS)

    eventually(lambda: 'route="/explain",status="200"' in client.get("/metrics").text)
    assert "api_predictions_total{" not in client.get("/metrics").text
