"""Every protocol returns the same predictions, and errors in its own format."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.contract.requests import FIELD_NAMES
from ml.core.names import MODEL_NAME
from ml.schema import EXAMPLE_RECORD
from tests.integration.api.bundles import RECORDS
from tests.integration.api.routes.inference import INFER, ok, tensors

MANY = [{**EXAMPLE_RECORD, "number_inpatient": index % 51, "race": None} for index in range(1_500)]
Predictions = list[float]
Predict = Callable[[TestClient, list[dict[str, Any]]], Predictions]


def as_csv(records: list[dict[str, Any]]) -> str:
    sink = io.StringIO()
    writer = csv.DictWriter(sink, FIELD_NAMES, restval="?")
    writer.writeheader()
    writer.writerows(records)
    return sink.getvalue()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def columns(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [record.get(name) for record in records] for name in EXAMPLE_RECORD}


def split(records: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(EXAMPLE_RECORD)
    data = [[record.get(name) for name in names] for record in records]
    return {"columns": names, "data": data, "index": list(range(len(records)))}


def predict(client: TestClient, records: list[dict[str, Any]]) -> Predictions:
    return ok(client.post("/predict", json={"records": records}))["predictions"]


def predict_csv(client: TestClient, records: list[dict[str, Any]]) -> Predictions:
    answer = client.post("/predict/csv", content=as_csv(records), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 200, answer.text
    return [float(row["readmission_risk"]) for row in rows_of(answer.text)]


def invoke(client: TestClient, document: Any) -> Predictions:
    answer = ok(client.post("/invocations", json=document))
    assert list(answer) == ["predictions"]
    return answer["predictions"]


def invoke_csv(client: TestClient, records: list[dict[str, Any]]) -> Predictions:
    answer = client.post("/invocations", content=as_csv(records), headers={"Content-Type": "text/csv"})
    return ok(answer)["predictions"]


def infer(client: TestClient, records: list[dict[str, Any]]) -> Predictions:
    return ok(client.post(INFER, json={"inputs": tensors(records)}))["outputs"][0]["data"]


WAYS: dict[str, Predict] = {
    "predict": predict,
    "csv": predict_csv,
    "dataframe_split": lambda client, records: invoke(client, {"dataframe_split": split(records)}),
    "dataframe_records": lambda client, records: invoke(client, {"dataframe_records": records}),
    "inputs, a list": lambda client, records: invoke(client, {"inputs": records}),
    "inputs, columns": lambda client, records: invoke(client, {"inputs": columns(records)}),
    "instances": lambda client, records: invoke(client, {"instances": records}),
    "invocations, csv": invoke_csv,
    "inference": infer,
}


@pytest.mark.parametrize("records", [RECORDS, MANY], ids=["few", "many"])
def test_every_protocol_returns_the_same_predictions(client: TestClient, records: list[dict[str, Any]]) -> None:
    predictions = {way: predict_by(client, records) for way, predict_by in WAYS.items()}

    assert len(predictions["predict"]) == len(records)
    assert predictions == dict.fromkeys(WAYS, predictions["predict"])


@pytest.mark.parametrize("way", WAYS)
def test_every_protocol_counts_its_predictions(client: TestClient, way: str) -> None:
    WAYS[way](client, RECORDS)

    text = client.get("/metrics").text
    assert f'api_predictions_total{{load_test="false",model_version="1"}} {len(RECORDS)}.0' in text
    assert f"api_prediction_probability_count {len(RECORDS)}" in text
    assert f"api_batch_size_sum {len(RECORDS)}.0" in text
    assert "api_batch_size_count 1.0" in text


def test_a_load_test_is_marked_in_every_protocol(client: TestClient) -> None:
    marked = {"X-Load-Test": "1"}
    client.post("/invocations", json={"instances": [{}]}, headers=marked)
    client.post(INFER, json={"inputs": tensors([{}])}, headers=marked)
    client.post("/predict/csv", content="race\nAsian\n", headers={**marked, "Content-Type": "text/csv"})

    assert 'api_predictions_total{load_test="true",model_version="1"} 3.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be an object with one of dataframe_split, dataframe_records, inputs, instances"),
        ({}, "exactly one of dataframe_split, dataframe_records, inputs, instances; it has 0 of them"),
        ({"inputs": [{}], "instances": [{}]}, "it has 2 of them"),
        ({"inputs": [{}], "more": 1}, "Unknown field beside inputs"),
        ({"inputs": [{}], "params": {"temperature": 1}}, "This model takes no params"),
        ({"inputs": []}, "must hold 1 to 10000 records, not 0"),
        ({"inputs": 3}, "Inputs must be a list of objects"),
        ({"inputs": [3]}, "Record 0: a record must be an object"),
        ({"inputs": {"race": ["Asian"], "age": []}}, "The lists in inputs must have the same length"),
        ({"inputs": {"race": ["Asian"], "age": "x"}}, "The lists in inputs must have the same length"),
        ({"instances": {"race": ["Asian"]}}, "Instances must be a list of objects"),
        ({"dataframe_records": [{"colour": 1}]}, "Record 0: unknown field 'colour'"),
        ({"dataframe_split": {"data": [[1]]}}, "Dataframe_split must be an object with columns, data"),
        ({"dataframe_split": {"columns": ["race"], "data": [[1, 2]]}}, "Row 0 of data must be a list of 1 values"),
        ({"dataframe_split": {"columns": ["race"], "data": [["x"]]}}, "Record 0: race must be one of"),
        ({"dataframe_split": {"columns": ["race"] * 2, "data": [["x"] * 2]}}, "must not repeat a field"),
        ({"dataframe_split": {"columns": [1], "data": [["x"]]}}, "must be a list of field names"),
        ({"dataframe_split": {"columns": ["race"], "data": {}}}, "must be a list of rows"),
    ],
)
def test_an_invalid_invocation_is_a_400_in_the_format_of_mlflow(
    client: TestClient, document: Any, message: str
) -> None:
    answer = client.post("/invocations", json=document)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error_code"] == "BAD_REQUEST"
    assert message in answer.json()["message"]


def test_nan_and_null_are_unknown(client: TestClient) -> None:
    known = predict(client, [{"number_inpatient": 3}, {}])
    columns = '["gender", "number_inpatient"]'
    body = f'{{"dataframe_split": {{"columns": {columns}, "data": [[NaN, 3.0], [null, NaN]]}}, "params": null}}'

    answer = client.post("/invocations", content=body, headers={"Content-Type": "application/json"})

    assert ok(answer)["predictions"] == known
    assert invoke(client, {"inputs": {"number_inpatient": 3}}) == known[:1]


def test_other_media_types_and_malformed_bodies_have_the_format_of_mlflow(client: TestClient) -> None:
    parquet = client.post("/invocations", content=b"x", headers={"Content-Type": "application/vnd.apache.parquet"})
    malformed = client.post("/invocations", content=b"{", headers={"Content-Type": "application/json"})
    no_file = client.post("/invocations", content=b"race\nx\n", headers={"Content-Type": "text/csv"})

    assert (parquet.status_code, malformed.status_code, no_file.status_code) == (415, 400, 400)
    assert "application/json or text/csv" in parquet.json()["message"]
    assert "not valid JSON" in malformed.json()["message"]
    assert no_file.json()["message"].startswith("Line 2: race must be one of")


def test_no_error_of_a_protocol_is_a_problem_document(client: TestClient) -> None:
    assert list(client.get("/v2/nowhere").json()) == ["error"]
    assert list(client.put("/v2").json()) == ["error"]
    assert list(client.post(INFER, content=b"x", headers={"Content-Type": "text/csv"}).json()) == ["error"]
    assert client.get("/invocations").json()["error_code"] == "BAD_REQUEST"
    assert client.get("/v2nowhere").headers["content-type"] == "application/problem+json"


def test_without_a_model_no_protocol_is_ready(start_api: Any) -> None:
    empty = start_api()

    statuses = {path: empty.get(path).status_code for path in ("/ping", "/v2/health/ready", f"/v2/models/{MODEL_NAME}")}
    assert statuses == dict.fromkeys(statuses, 503)
    assert empty.get("/v2/health/ready").json() == {"ready": False}
    assert empty.post("/invocations", json={"inputs": [{}]}).json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert empty.get("/v2/health/live").status_code == 200


def test_protocols_tell_of_records_outside_the_population_and_of_contradictions(client: TestClient) -> None:
    records = [{"discharge_disposition_id": 11}, {"number_diagnoses": 1, "diag_1": "428", "diag_2": "401"}]
    told = ok(client.post("/predict", json={"records": records}))

    invoked = ok(client.post("/invocations", json={"instances": records}))
    inferred = ok(client.post(INFER, json={"inputs": tensors(records)}))

    assert told["outside_population"][0]
    assert told["warnings"]
    assert {name: invoked[name] for name in ("outside_population", "warnings")} == {
        name: json.loads(inferred["parameters"][name]) for name in ("outside_population", "warnings")
    }
    assert (invoked["outside_population"], invoked["warnings"]) == (told["outside_population"], told["warnings"])
    assert "parameters" not in ok(client.post(INFER, json={"inputs": tensors([{"race": "Asian"}])}))
