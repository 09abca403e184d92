"""Long files at POST /predict/csv: order, one model, memory, the prediction log, clients that stop reading."""

import asyncio
import gzip
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.contract.csv_reader import BLOCK_ROWS
from api.routes import predict_csv
from api.transport import content_encoding, middleware
from ml.data.sources.synthetic import write_csv
from ml.schema import FEATURES, GENUINE_ROWS
from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.process import running_api
from tests.integration.api.routes.test_predict_csv import CSV, numbered, rows_of
from tests.integration.api.storage.databases import connected, migrate, rows


def test_foreign_columns_are_not_logged(logged: TestClient, postgres_url: str) -> None:
    logged.post("/predict/csv", content="mrn,gender\n4711,F\n", headers=CSV)

    with connected(postgres_url) as database:
        eventually(lambda: len(rows(database)) == 1)
        (row,) = rows(database)
    assert row["record"] == {"gender": "Female"}
    assert "4711" not in str(row)


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
        before = api.resident_bytes
        with api.client.stream("POST", "/predict/csv", content=pieces(), headers=CSV) as answer:
            received = sum(piece.count(b"\n") for piece in answer.iter_bytes())

        assert (answer.status_code, received) == (200, 100_001)
        # Blocks in work take 60 to 80 MB, for a file of any length; all records of this one take several hundred.
        assert api.resident_bytes - before < 120 * 2**20


@pytest.fixture
def logged(
    start_api: StartApi, database_settings: dict[str, str], postgres_url: str, registry: RegistryServer, tmp_path: Path
) -> TestClient:
    """The service with a prediction log, and a database that knows no patient."""
    migrate(postgres_url)
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True, history_timeout_seconds=5)
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
    monkeypatch.setattr(middleware, "SEND_SECONDS", 0.05)
    events: list[str] = []
    slot = AsyncExitStack()
    slot.callback(events.append, "released")

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        events.append(message["type"])
        if message.get("body"):
            await asyncio.sleep(60)

    download = middleware.SendTimeoutMiddleware(predict_csv._Download(_lines(), slot, {}))
    asyncio.run(download({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send))

    assert events == ["http.response.start", "http.response.body", "released"]


def test_waiting_for_a_thread_that_compresses_does_not_count_as_a_client_that_stops_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "SEND_SECONDS", 0)  # whatever waits within the limit is ended
    sent: list[Any] = []

    async def lines() -> AsyncIterator[bytes]:
        yield b"x" * (content_encoding.THREAD_BYTES + 1)

    async def receive() -> Any:
        raise AssertionError("nothing is received")

    async def send(message: Any) -> None:
        sent.append(message)

    download = predict_csv._Download(lines(), AsyncExitStack(), {})
    app = middleware.SendTimeoutMiddleware(content_encoding.CompressionMiddleware(download))
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "headers": [(b"accept-encoding", b"gzip")]}
    asyncio.run(app(scope, receive, send))

    body = b"".join(message.get("body", b"") for message in sent)
    assert len(gzip.decompress(body)) == content_encoding.THREAD_BYTES + 1
    assert not sent[-1].get("more_body", False)
