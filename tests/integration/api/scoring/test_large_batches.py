"""Large batches: history, log and metrics are the same as for small ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from api.scoring.core import LARGE_BYTES
from ml.schema import EXAMPLE_RECORD
from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.storage.databases import connected, migrate, rows

SIZE = 700
RECORDS: list[dict[str, Any]] = [
    {**EXAMPLE_RECORD, "number_inpatient": index % 50, **({"encounter_id": index + 1} if index % 2 else {})}
    for index in range(SIZE)
]


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    migrate(postgres_url)
    with connected(postgres_url) as connection:
        yield connection


@pytest.fixture
def api(
    start_api: StartApi,
    database: Connection,
    database_settings: dict[str, str],
    registry: RegistryServer,
    tmp_path: Path,
) -> Any:
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True, log_patient_ids="plain", history_timeout_seconds=5)
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def test_every_record_is_logged_once_with_its_position_and_prediction(api: Any, database: Connection) -> None:
    answer = api.post("/predict", json={"records": RECORDS}, headers={"X-Request-ID": "large"})
    assert int(answer.request.headers["content-length"]) > LARGE_BYTES
    eventually(lambda: len(rows(database)) == SIZE)

    logged = sorted(rows(database), key=lambda row: int(row["position"]))
    assert [row["position"] for row in logged] == list(range(SIZE))
    assert {row["request_id"] for row in logged} == {answer.json()["request_id"]} == {"large"}
    assert [row["probability"] for row in logged] == pytest.approx(answer.json()["predictions"])
    assert [row["record"] for row in logged] == [
        {name: value for name, value in record.items() if name != "encounter_id"} for record in RECORDS
    ]
    assert [row["encounter"] for row in logged[:4]] == [None, "2", None, "4"]
    assert {row["known_fields"] for row in logged} == set(answer.json()["known_fields"]) == {len(EXAMPLE_RECORD)}
    assert "prediction_log_dropped_total 0.0" in api.get("/metrics").text


def test_predictions_ranges_and_metrics_are_those_of_small_requests(api: Any) -> None:
    large = api.post("/predict?interval=true", json={"records": RECORDS}).json()
    small = api.post("/predict?interval=true", json={"records": RECORDS[:3]}).json()

    assert large["predictions"] == pytest.approx([expected(record, -2.0) for record in RECORDS], abs=1e-6)
    for name in ("predictions", "known_fields", "reliability", "history", "intervals"):
        assert large[name][:3] == small[name]
    assert large["model"] == small["model"]
    metrics = api.get("/metrics").text
    assert f'api_predictions_total{{load_test="false",model_version="1"}} {SIZE + 3}.0' in metrics
    assert "api_batch_size_count 2.0" in metrics


def test_patients_are_looked_up(api: Any) -> None:
    records = [{**record, "patient_nbr": 1} for record in RECORDS]

    answer = api.post("/predict", json={"records": records}).json()

    assert set(answer["history"]) == {"unknown"}
    assert f'api_history_total{{history="unknown"}} {SIZE}.0' in api.get("/metrics").text
