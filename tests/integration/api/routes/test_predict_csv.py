"""POST /predict/csv: returns the file with additional columns, or the lines with errors."""

import asyncio
import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.contract.csv_reader import BLOCK_ROWS
from api.routes import predict_csv
from ml.data.sources.synthetic import write_csv
from ml.schema import FEATURES, GENUINE_ROWS
from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.process import running_api
from tests.integration.api.routes.test_predict import assert_problem
from tests.integration.api.storage.databases import connected, migrate, rows

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


def test_foreign_columns_are_not_logged(logged: TestClient, postgres_url: str) -> None:
    logged.post("/predict/csv", content="mrn,gender\n4711,F\n", headers=CSV)

    with connected(postgres_url) as database:
        eventually(lambda: len(rows(database)) == 1)
        (row,) = rows(database)
    assert row["record"] == {"gender": "Female"}
    assert "4711" not in str(row)


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


def test_a_long_file_is_scored_in_its_order_and_counted_as_one_request(client: TestClient) -> None:
    size = 5 * BLOCK_ROWS + 7

    answer = client.post("/predict/csv", content=numbered(size), headers=CSV)

    risks = [float(row["readmission_risk"]) for row in rows_of(answer.text)]
    assert risks == pytest.approx([expected({"number_inpatient": index % 51}, -2) for index in range(size)], abs=1e-6)
    metrics = client.get("/metrics").text
    assert f'api_predictions_total{{load_test="false",model_version="1"}} {size}.0' in metrics
    assert "api_batch_size_count 1.0" in metrics


def test_a_file_is_scored_by_one_model_even_during_a_swap(registry: RegistryServer, tmp_path: Path) -> None:
    registry.promote("1", write_bundle(tmp_path / "1", -2.0))
    size = 60 * BLOCK_ROWS
    with running_api(tmp_path, registry.url) as api:
        api.wait_until_ready()
        text = b""
        with api.client.stream("POST", "/predict/csv", content=numbered(size), headers=CSV) as answer:
            for piece in answer.iter_bytes():
                text += piece
                if "2" not in registry.versions:
                    registry.promote("2", write_bundle(tmp_path / "2", 1.0))
                    eventually(lambda: api.client.get("/model").json()["version"] == "2")

    risks = [float(row["readmission_risk"]) for row in rows_of(text.decode())]
    assert answer.headers["x-model-version"] == "1"
    assert risks == pytest.approx([expected({"number_inpatient": index % 51}, -2) for index in range(size)], abs=1e-6)


def test_a_streamed_file_needs_little_memory(registry: RegistryServer, tmp_path: Path) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    header = b",".join(column.name.encode() for column in FEATURES) + b"\n"
    line = b",".join(str(column.example).encode() for column in FEATURES) + b"\n"

    def pieces() -> Iterator[bytes]:
        yield header
        for _ in range(100):
            yield line * 1_000

    with running_api(tmp_path, registry.url) as api:
        api.wait_until_ready()
        api.client.post("/predict/csv", content=header + line * 2_000, headers=CSV)
        before = api.resident_bytes
        with api.client.stream("POST", "/predict/csv", content=pieces(), headers=CSV) as answer:
            received = sum(piece.count(b"\n") for piece in answer.iter_bytes())

        assert (answer.status_code, received) == (200, 100_001)
        assert api.resident_bytes - before < 40 * 2**20


@pytest.fixture
def logged(
    start_api: StartApi, database_settings: dict[str, str], postgres_url: str, registry: RegistryServer, tmp_path: Path
) -> TestClient:
    """The service with a prediction log, and a database that knows no patient."""
    migrate(postgres_url)
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True)
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def test_every_row_is_logged_with_its_position(logged: TestClient, postgres_url: str) -> None:
    size = 2 * BLOCK_ROWS + 5

    answer = logged.post("/predict/csv", content=numbered(size), headers={**CSV, "X-Request-ID": "file"})

    with connected(postgres_url) as database:
        eventually(lambda: len(rows(database)) == size)
        written = sorted(rows(database), key=lambda row: row["position"])
    assert [(row["request_id"], row["position"]) for row in written] == [("file", index) for index in range(size)]
    risks = [float(row["readmission_risk"]) for row in rows_of(answer.text)]
    assert [row["probability"] for row in written] == pytest.approx(risks, abs=1e-7)
    assert [row["record"]["number_inpatient"] for row in written[:3]] == [0, 1, 2]


def test_a_synthetic_data_set_is_scored_completely(logged: TestClient, tmp_path: Path) -> None:
    write_csv(tmp_path / "cohort.csv", 2_500, seed=296)
    body = (tmp_path / "cohort.csv").read_bytes()

    answer = logged.post("/predict/csv", content=body, headers=CSV)

    assert_whole(body, answer.content)
    assert {row["history"] for row in rows_of(answer.text)} == {"unknown"}


def test_the_genuine_data_set_is_scored_completely(
    genuine_file: Path, registry: RegistryServer, tmp_path: Path
) -> None:
    body = genuine_file.read_bytes()
    if zipfile.is_zipfile(genuine_file):
        with zipfile.ZipFile(genuine_file) as archive:
            body = archive.read(next(name for name in archive.namelist() if name.endswith("diabetic_data.csv")))
    registry.promote("1", write_bundle(tmp_path / "1"))
    with running_api(tmp_path, registry.url) as api:
        api.wait_until_ready()
        answer = api.client.post("/predict/csv", content=body, headers=CSV)

    assert_whole(body, answer.content)
    assert answer.content.count(b"\n") == GENUINE_ROWS + 1


def assert_whole(file: bytes, answer: bytes) -> None:
    """Check that the response is the file with an addition to every line."""
    given, scored = file.decode().splitlines(), answer.decode().splitlines()
    assert len(given) == len(scored)
    assert all(line.startswith(f"{before},") for before, line in zip(given, scored, strict=True))


async def _lines() -> AsyncIterator[bytes]:
    yield b"readmission_risk\n"
    yield b"0.5\n"


def test_the_slot_is_released_when_the_client_stops_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_csv, "_SEND_SECONDS", 0.05)
    events: list[str] = []
    slot = ExitStack()
    slot.callback(events.append, "released")

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        events.append(message["type"])
        if message.get("body"):
            await asyncio.sleep(60)

    download = predict_csv._Download(_lines(), slot, {})
    asyncio.run(download({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send))

    assert events == ["http.response.start", "http.response.body", "released"]
