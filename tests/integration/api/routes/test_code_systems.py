"""Diagnoses in ICD-10-CM on every route: the same predictions and log rows as the ICD-9-CM codes they become."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from ml.core.names import MODEL_NAME
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.storage.databases import connected, migrate, rows

SPELLINGS = ["J44.9", "j449", " J449 "]
CODES = {"diag_1": {"given": "J44.9", "used": "496", "choices": ["496", "491.2", "493.2"]}}
LARGE = 20_000
"""Records of this kind take more than 256 KiB."""


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    with connected(postgres_url) as connection:
        yield connection


@pytest.fixture
def logging_api(
    start_api: StartApi,
    database_settings: dict[str, str],
    registry: RegistryServer,
    tmp_path: Path,
    postgres_url: str,
) -> Any:
    migrate(postgres_url)
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True, max_records=LARGE)
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def in_icd10(code: str, count: int = 1) -> dict[str, Any]:
    return {"records": [{"diag_1": code}] * count, "code_system": "icd-10-cm"}


@pytest.mark.parametrize("code", SPELLINGS)
def test_the_prediction_is_that_of_the_code_used(client: TestClient, code: str) -> None:
    answer = client.post("/predict", json=in_icd10(code)).json()

    in_icd9 = client.post("/predict", json={"records": [{"diag_1": "496"}]}).json()
    assert answer["predictions"] == in_icd9["predictions"]
    assert answer["codes"] == [CODES]
    message = "ICD-9-CM has several counterparts of J44.9 (496, 491.2, 493.2): 496 was used"
    assert answer["warnings"] == [{"record": 0, "field": "diag_1", "message": message}]
    assert "codes" not in in_icd9


def test_every_route_logs_the_code_used(logging_api: Any, database: Connection) -> None:
    tensor = {"name": "diag_1", "datatype": "BYTES", "shape": [1]}
    bodies = {
        "/predict": in_icd10,
        "/invocations": lambda code: {"inputs": {"diag_1": [code]}, "params": {"code_system": "icd-10-cm"}},
        f"/v2/models/{MODEL_NAME}/infer": lambda code: {
            "inputs": [{**tensor, "data": [code]}],
            "parameters": {"code_system": "icd-10-cm"},
        },
    }
    for code in SPELLINGS:
        for route, body in bodies.items():
            assert logging_api.post(route, json=body(code)).status_code == 200
        file = {"content": f"diag_1\n{code}\n", "headers": {"Content-Type": "text/csv"}}
        assert logging_api.post("/predict/csv?code_system=icd-10-cm", **file).status_code == 200

    eventually(lambda: len(rows(database)) == 4 * len(SPELLINGS))
    assert [row["record"] for row in rows(database)] == [{"diag_1": "496"}] * 4 * len(SPELLINGS)


def test_a_large_batch_is_converted_and_logged_by_its_worker(logging_api: Any, database: Connection) -> None:
    answer = logging_api.post("/predict", json=in_icd10("J44.9", LARGE)).json()

    assert answer["codes"] == [CODES] * LARGE
    eventually(lambda: len(rows(database)) == LARGE)
    assert {row["record"]["diag_1"] for row in rows(database)} == {"496"}


def test_an_explanation_names_the_code_used(client: TestClient) -> None:
    (explanation,) = client.post("/explain", json=in_icd10("J44.9")).json()["explanations"]

    assert explanation["codes"] == CODES
    assert [(part["field"], part["value"]) for part in explanation["contributions"]] == [("diag_1", "496")]


def test_a_file_gets_the_codes_used_as_columns(client: TestClient) -> None:
    file = "diag_2,age,diag_1\nE11.9,[60-70),J44.9\n?,[60-70),U07.1\n"

    answer = client.post(
        "/predict/csv?code_system=icd-10-cm", content=file, headers={"Content-Type": "text/csv"}
    ).text.splitlines()

    first, second = csv.DictReader(answer)
    assert (first["diag_2"], first["age"], first["diag_1"]) == ("E11.9", "[60-70)", "J44.9")
    assert (first["diag_2_icd9"], first["diag_1_icd9"]) == ("250", "496")
    assert (second["diag_2_icd9"], second["diag_1_icd9"]) == ("", "")
    assert second["warnings"] == "ICD-9-CM has no counterpart of U07.1: the diagnosis counts as unknown"


def test_the_protocols_name_the_code_used(client: TestClient) -> None:
    tensor = {"name": "diag_1", "datatype": "BYTES", "shape": [1], "data": ["J44.9"]}
    expected = client.post("/predict", json=in_icd10("J44.9")).json()

    mlflow = client.post("/invocations", json={"inputs": {"diag_1": ["J44.9"]}, "params": {"code_system": "ICD-10-CM"}})
    body = {"inputs": [tensor], "parameters": {"code_system": "icd-10-cm"}}
    open_inference = client.post(f"/v2/models/{MODEL_NAME}/infer", json=body).json()["parameters"]
    without = client.post("/invocations", json={"inputs": {"diag_1": ["496"]}}).json()

    assert {name: mlflow.json()[name] for name in ("codes", "warnings", "predictions")} == {
        name: expected[name] for name in ("codes", "warnings", "predictions")
    }
    assert {name: json.loads(text) for name, text in open_inference.items()} == {
        name: expected[name] for name in ("codes", "warnings")
    }
    assert without.keys() == {"predictions"}


def test_the_query_names_the_code_system_of_a_csv_file_sent_to_invocations(client: TestClient) -> None:
    route, file = "/invocations?code_system=icd-10-cm", "diag_1,readmitted\nJ449,NO\n"
    csv_answer = client.post(route, content=file, headers={"Content-Type": "text/csv"})
    json_answer = client.post(route, json={"inputs": {"diag_1": ["J44.9"]}})
    twice = client.post(route, json={"inputs": {"diag_1": ["J44.9"]}, "params": {"code_system": "icd-10-cm"}})

    assert csv_answer.status_code == 200, csv_answer.text
    assert csv_answer.json()["codes"] == [CODES]
    assert csv_answer.json() == json_answer.json() == twice.json()
    assert csv_answer.json()["predictions"] == client.post("/predict", json=in_icd10("J44.9")).json()["predictions"]


@pytest.mark.parametrize("content", ["J449\n", "E119\n"])
def test_a_csv_file_without_code_system_is_read_as_icd9(client: TestClient, content: str) -> None:
    answer = client.post("/invocations", content=f"diag_1\n{content}", headers={"Content-Type": "text/csv"})

    assert answer.status_code == 400
    assert "looks like ICD-10-CM" in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "params"),
    [("icd10", {}), ("icd-10-cm&code_system=icd-9-cm", {}), ("icd-10-cm", {"code_system": "icd-9-cm"})],
)
def test_a_contradictory_or_unknown_code_system_in_the_query_is_refused(
    client: TestClient, query: str, params: dict[str, str]
) -> None:
    answer = client.post(f"/invocations?code_system={query}", json={"inputs": {"diag_1": ["496"]}, "params": params})

    assert answer.status_code == 400
    assert "code_system" in answer.json()["message"].lower()


@pytest.mark.parametrize(
    ("route", "content", "kind"),
    [
        ("/predict", '{"records": [{}], "code_system": "icd10"}', "application/json"),
        ("/explain", '{"records": [{}], "code_system": "icd10"}', "application/json"),
        ("/predict/csv?code_system=icd10", "diag_1\nE119\n", "text/csv"),
    ],
)
def test_an_unknown_code_system_is_a_422_that_names_the_allowed_ones(
    client: TestClient, route: str, content: str, kind: str
) -> None:
    answer = client.post(route, content=content, headers={"Content-Type": kind})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "code_system"
    assert error["allowed"] == ["icd-9-cm", "icd-10-cm"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/invocations", {"inputs": {"diag_1": ["E11.9"]}, "params": {"code_system": "icd10"}}),
        ("/invocations", {"inputs": {"diag_1": ["E11.9"]}, "params": {"beam": 3}}),
        (
            f"/v2/models/{MODEL_NAME}/infer",
            {
                "inputs": [{"name": "diag_1", "datatype": "BYTES", "shape": [1], "data": ["E11.9"]}],
                "parameters": {"code_system": "icd10"},
            },
        ),
    ],
)
def test_a_protocol_refuses_an_unknown_code_system(client: TestClient, route: str, body: Any) -> None:
    answer = client.post(route, json=body)

    assert answer.status_code == 400
    assert "code_system" in answer.text.lower()
