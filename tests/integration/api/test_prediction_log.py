"""The prediction log in a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.registry_server import RegistryServer

TABLE = """
CREATE TABLE predictions (
    id bigserial PRIMARY KEY, request_id text NOT NULL, position integer NOT NULL, predicted_at timestamptz NOT NULL,
    model_version text NOT NULL, data_source text NOT NULL, record jsonb NOT NULL, known_fields smallint NOT NULL,
    probability double precision NOT NULL, load_test boolean NOT NULL
)
"""


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def logging_api(
    start_api: StartApi, database_settings: dict[str, str], registry: RegistryServer, tmp_path: Path
) -> Any:
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True)
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def rows(database: Connection) -> list[Any]:
    return list(database.execute(text("SELECT * FROM predictions ORDER BY id")).mappings())


def test_every_prediction_is_written_with_its_circumstances(logging_api: Any, database: Connection) -> None:
    database.execute(text(TABLE))
    records = [
        {"race": "Asian", "diag_1": "V27", "gender": None},
        {"medical_specialty": "Surgery-General", "patient_nbr": 7, "encounter_id": 9},
    ]

    answer = logging_api.post(
        "/predict", json={"records": records}, headers={"X-Request-ID": "abc", "X-Load-Test": "1"}
    ).json()
    logging_api.post("/predict", json={"records": [{}]})
    eventually(lambda: len(rows(database)) == 3)

    first, second, third = rows(database)
    assert (first["request_id"], first["position"], first["load_test"]) == ("abc", 0, True)
    assert (second["request_id"], second["position"], second["load_test"]) == ("abc", 1, True)
    assert (third["position"], third["load_test"], third["known_fields"], third["record"]) == (0, False, 0, {})
    assert first["record"] == {"race": "Asian", "diag_1": "V27"}
    assert second["record"] == records[1]  # so that an outcome can be found for it later
    assert (first["known_fields"], second["known_fields"]) == (2, 1)
    assert (first["model_version"], first["data_source"]) == ("1", "synthetic")
    assert [first["probability"], second["probability"]] == pytest.approx(answer["predictions"])
    assert first["predicted_at"] == second["predicted_at"]


def test_a_table_that_comes_later_costs_nothing_but_time(logging_api: Any, database: Connection) -> None:
    assert logging_api.post("/predict", json={"records": [{}] * 300}).status_code == 200
    eventually(lambda: "prediction_log_queue_length 300.0" in logging_api.get("/metrics").text)

    database.execute(text(TABLE))

    eventually(lambda: "prediction_log_written_total 300.0" in logging_api.get("/metrics").text, seconds=20)
    assert len(rows(database)) == 300
    assert "prediction_log_dropped_total 0.0" in logging_api.get("/metrics").text


def test_it_connects_again_by_itself(logging_api: Any, database: Connection) -> None:
    database.execute(text(TABLE))
    logging_api.post("/predict", json={"records": [{}]})
    eventually(lambda: len(rows(database)) == 1)

    database.execute(
        text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prediction-log'")
    )
    logging_api.post("/predict", json={"records": [{}]})

    eventually(lambda: len(rows(database)) == 2, seconds=20)


def test_what_is_waiting_at_the_end_is_written(
    start_api: StartApi,
    database_settings: dict[str, str],
    database: Connection,
    registry: RegistryServer,
    tmp_path: Path,
) -> None:
    database.execute(text(TABLE))
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True)
    eventually(lambda: client.get("/ready").status_code == 200)

    client.post("/predict", json={"records": [{}] * 9_000})
    client.__exit__()

    assert len(rows(database)) == 9_000


def test_predictions_do_not_wait_for_a_database_that_is_away(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(postgres_port="9", prediction_log=True, prediction_log_queue=100)
    eventually(lambda: client.get("/ready").status_code == 200)

    for _ in range(30):
        assert client.post("/predict", json={"records": [{}] * 10}).status_code == 200

    metrics = client.get("/metrics").text
    assert "prediction_log_queue_length 100.0" in metrics
    assert "prediction_log_dropped_total 200.0" in metrics
