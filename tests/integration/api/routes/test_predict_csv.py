"""POST /predict/csv: returns the file with additional columns, or the lines with errors."""

import csv
import io
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.contract.csv_reader import BLOCK_ROWS
from tests.integration.api.bundles import expected
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.routes.test_predict import assert_problem

CSV = {"Content-Type": "text/csv"}
SMALL = "gender,number_inpatient,readmitted\r\nFemale,2,<30\r\n?,,NO\r\n"
DELIVERED = "encounter_id,patient_nbr,race,number_inpatient\n1,7,Asian,3\n"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def numbered(size: int) -> bytes:
    """A file in which every row can be told by its answer."""
    return b"number_inpatient\n" + b"".join(b"%d\n" % (index % 51) for index in range(size))


def test_the_response_is_the_file_with_additional_columns(client: TestClient) -> None:
    answer = client.post("/predict/csv", content=SMALL, headers=CSV)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="predictions.csv"'
    assert answer.headers["x-model-version"] == "1"
    header, *lines = answer.text.split("\r\n")
    added = "readmission_risk,known_fields,reliability,outside_population,warnings"
    assert header == f"gender,number_inpatient,readmitted,{added}"
    assert [line.split(",")[:3] for line in lines] == [["Female", "2", "<30"], ["?", "", "NO"], [""]]
    first, second = rows_of(answer.text)
    assert float(first["readmission_risk"]) == pytest.approx(
        expected({"gender": "Female", "number_inpatient": 2}, -2), abs=1e-6
    )
    assert (first["known_fields"], second["known_fields"]) == ("2", "0")
    assert float(second["reliability"]) == 0.5


def test_records_outside_the_population_and_contradictions_are_said_in_every_format(client: TestClient) -> None:
    records = [
        {"discharge_disposition_id": 11},
        {"gender": "Male", "diag_1": "650", "number_diagnoses": 1, "diag_2": "0389"},
        {"gender": "Female"},
    ]
    names = ("discharge_disposition_id", "gender", "diag_1", "number_diagnoses", "diag_2")
    lines = [",".join(str(record.get(name, "")) for name in names) for record in records]
    answer = client.post("/predict", json={"records": records}).json()
    explained = client.post("/explain", json={"records": records}).json()["explanations"]
    rows = rows_of(client.post("/predict/csv", content="\n".join([",".join(names), *lines]), headers=CSV).text)

    reason, *others = answer["outside_population"]
    assert "Expired" in reason
    assert others == [None, None]
    assert [(one["record"], one["field"]) for one in answer["warnings"]] == [(1, "number_diagnoses"), (1, "diag_1")]
    assert [one["outside_population"] for one in explained] == answer["outside_population"]
    assert [one["warnings"] for one in explained] == [[], answer["warnings"], []]
    assert [row["outside_population"] for row in rows] == [reason, "", ""]
    assert [row["warnings"] for row in rows] == ["", "; ".join(one["message"] for one in answer["warnings"]), ""]


def test_with_interval_the_ranges_are_those_of_predict(client: TestClient) -> None:
    answer = client.post("/predict/csv?interval=true", content=SMALL, headers=CSV)
    records = {"records": [{"gender": "Female", "number_inpatient": 2}, {}]}
    ranges = client.post("/predict?interval=true", json=records).json()["intervals"]

    assert [[float(row["risk_low"]), float(row["risk_high"])] for row in rows_of(answer.text)] == ranges


def test_a_spreadsheet_of_a_hospital_is_scored_and_its_own_columns_returned(client: TestClient) -> None:
    body = 'MRN;Name;Gender;Number Inpatient;Age\r\n=7;Müller;F;2,0;67\r\n-3;"A;\nB";female;NA;60 to 70\r\n'.encode(
        "cp1252"
    )

    answer = client.post("/predict/csv", content=body, headers=CSV)

    records = [{"gender": "Female", "number_inpatient": 2, "age": "[60-70)"}, {"gender": "Female", "age": "[60-70)"}]
    risks = client.post("/predict", json={"records": records}).json()["predictions"]
    first, second = csv.DictReader(io.StringIO(answer.text, newline=""), delimiter=";")
    assert [float(row["readmission_risk"]) for row in (first, second)] == risks
    assert (first["MRN"], first["Name"], first["Number Inpatient"]) == ("'=7", "Müller", "2,0")
    assert (second["MRN"], second["Name"], second["known_fields"]) == ("-3", "A;\nB", "2")
    assert answer.headers["x-mapped"] == "gender: F = Female; age (years): 67 = [60-70), 60 to 70 = [60-70)"
    assert answer.headers["x-not-scored"] == "MRN, Name"
    assert "x-warning" not in answer.headers


def test_laboratory_columns_that_pandas_emptied_are_a_warning(client: TestClient) -> None:
    written = pd.read_csv(io.StringIO("max_glu_serum,A1Cresult\nNone,None\nNone,>8\n")).to_csv(index=False)

    answer = client.post("/predict/csv", content=written, headers=CSV)

    assert answer.headers["x-warning"].startswith("max_glu_serum and A1Cresult hold unknown values and not one None")


def test_a_file_with_patient_numbers_gets_the_history_column(client: TestClient) -> None:
    (row,) = rows_of(client.post("/predict/csv", content=DELIVERED, headers=CSV).text)

    assert list(row)[-3:] == ["history", "outside_population", "warnings"]
    assert row["history"] == "unavailable"


def test_a_form_is_accepted_too(client: TestClient) -> None:
    plain = client.post("/predict/csv", content=SMALL, headers=CSV)
    form = client.post("/predict/csv", files={"file": ("patients.csv", SMALL, "text/csv")})

    assert form.text == plain.text


@pytest.mark.parametrize(
    ("files", "data", "status"),
    [({"other": b"race\nAsian\n"}, None, 422), ({"file": b""}, None, 422), ({"file": b"race\n?\n"}, {"x": "y"}, 400)],
)
def test_a_form_without_a_file_or_with_more_is_rejected(client: TestClient, files: Any, data: Any, status: int) -> None:
    assert_problem(client.post("/predict/csv", files=files, data=data), status)


def test_an_error_anywhere_in_the_file_is_a_422_without_predictions(client: TestClient) -> None:
    body = numbered(3 * BLOCK_ROWS) + b"51\n"

    problem = assert_problem(client.post("/predict/csv", content=body, headers=CSV), 422)

    (fault,) = problem["errors"]
    assert (fault["line"], fault["record"]) == (3 * BLOCK_ROWS + 2, 3 * BLOCK_ROWS)
    assert problem["detail"].startswith(f"Line {fault['line']}: number_inpatient must be a whole number from 0 to 50")
    assert "api_predictions_total{" not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (SMALL, {"Content-Type": "application/json"}, 415),
        (SMALL, {"Content-Type": "text/csv; charset=shift-jis"}, 415),
        (SMALL, {**CSV, "Content-Encoding": "gzip"}, 400),
        (SMALL, {**CSV, "Content-Encoding": "zstd"}, 415),
        (b"race\n\xff\n", CSV, 422),
        (b"race\n\0\n", CSV, 422),
        ("colour\nred\n", CSV, 422),
        ("", CSV, 422),
    ],
)
def test_invalid_files_are_rejected(client: TestClient, content: Any, headers: dict[str, str], status: int) -> None:
    assert_problem(client.post("/predict/csv", content=content, headers=headers), status)


def test_rows_and_bytes_are_limited(client: TestClient, start_api: StartApi) -> None:
    small = start_api(max_csv_rows=2, max_body_bytes=1024)
    eventually(lambda: small.get("/ready").status_code == 200)

    assert small.post("/predict/csv", content=numbered(2), headers=CSV).status_code == 200
    assert_problem(small.post("/predict/csv", content=numbered(3), headers=CSV), 422)
    assert_problem(small.post("/predict/csv", content=numbered(1_000), headers=CSV), 413)
