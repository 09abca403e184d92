"""The prediction log in a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from infra.local.postgres.cluster import PostgresServer
from ml.core.names import MODEL_NAME
from ml.core.release import Release
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.storage.databases import connected, migrate, proxy_to, rows
from tests.support.postgres import end_connections


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    with connected(postgres_url) as connection:
        yield connection


@pytest.fixture
def logging_api(
    start_api: StartApi, database_settings: dict[str, str], registry: RegistryServer, tmp_path: Path
) -> Any:
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True)
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def test_every_prediction_is_written_with_its_request(
    logging_api: Any, database: Connection, postgres_url: str
) -> None:
    migrate(postgres_url)
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
    assert second["record"] == {"medical_specialty": "Surgery-General"}
    assert (first["patient"], first["encounter"]) == (None, None)
    assert len(second["patient"]) == len(second["encounter"]) == 32  # to join outcomes later
    assert first["client"].startswith("address:")
    assert "testclient" not in first["client"]
    assert first["client"] == third["client"]
    assert (first["known_fields"], second["known_fields"]) == (2, 1)
    assert (first["model_version"], first["data_source"]) == ("1", "synthetic")
    assert [first["probability"], second["probability"]] == pytest.approx(answer["predictions"])
    assert first["predicted_at"] == second["predicted_at"]


def test_every_spelling_of_a_code_is_logged_alike_from_every_route(
    logging_api: Any, database: Connection, postgres_url: str
) -> None:
    migrate(postgres_url)
    spellings = ["38.9", "038.9", "0389", " 038.90 ", "38.90"]
    for code in spellings:
        columns = {"diag_1": [code], "diag_2": ["v4511"]}
        tensors = [{"name": n, "datatype": "BYTES", "shape": [1], "data": data} for n, data in columns.items()]
        for route, body in (
            ("/predict", {"records": [{"diag_1": code, "diag_2": "v4511"}]}),
            ("/invocations", {"inputs": columns}),
            (f"/v2/models/{MODEL_NAME}/infer", {"inputs": tensors}),
        ):
            assert logging_api.post(route, json=body).status_code == 200
        csv = {"content": f"diag_1,diag_2\n{code},v4511\n", "headers": {"Content-Type": "text/csv"}}
        assert logging_api.post("/predict/csv", **csv).status_code == 200
    eventually(lambda: len(rows(database)) == 4 * len(spellings))

    assert {tuple(row["record"].items()) for row in rows(database)} == {(("diag_1", "38.9"), ("diag_2", "V45.11"))}
    explained = [
        logging_api.post("/explain", json={"records": [{"diag_1": code}]}).json()["explanations"] for code in spellings
    ]
    assert explained == [explained[0]] * len(spellings)


def test_predictions_are_kept_until_the_table_exists(logging_api: Any, database: Connection, postgres_url: str) -> None:
    assert logging_api.post("/predict", json={"records": [{}] * 300}).status_code == 200
    eventually(lambda: "prediction_log_queue_length 300.0" in logging_api.get("/metrics").text)

    migrate(postgres_url)

    eventually(lambda: "prediction_log_written_total 300.0" in logging_api.get("/metrics").text)
    assert len(rows(database)) == 300
    assert "prediction_log_dropped_total 0.0" in logging_api.get("/metrics").text


def test_it_reconnects(
    logging_api: Any, database: Connection, postgres_url: str, postgres_server: PostgresServer
) -> None:
    migrate(postgres_url)
    logging_api.post("/predict", json={"records": [{}]})
    eventually(lambda: len(rows(database)) == 1)

    end_connections(postgres_server, "prediction-log")
    logging_api.post("/predict", json={"records": [{}]})

    eventually(lambda: len(rows(database)) == 2)


def test_on_tables_of_a_newer_release_it_answers_and_one_sentence_says_what_is_not_logged(
    logging_api: Any, database: Connection, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(postgres_url)
    newer = Release(version="99.0.0", commit="c0ffee", revision="9999").model_dump_json()
    database.exec_driver_sql("COMMENT ON TABLE schema_version IS %s", (newer,))
    database.execute(text("ALTER TABLE predictions ADD COLUMN of_later int NOT NULL"))

    assert logging_api.post("/predict", json={"records": [{}] * 3}).status_code == 200
    eventually(lambda: "the prediction log is retried" in caplog.text)
    assert logging_api.get("/ready").status_code == 200
    assert "prediction_log_queue_length 3.0" in logging_api.get("/metrics").text

    database.execute(text("ALTER TABLE predictions ALTER COLUMN of_later SET DEFAULT 0"))
    eventually(lambda: len(rows(database)) == 3)
    (sentence,) = {message for message in caplog.messages if "may not be logged" in message}
    assert "revision 9999, which this release does not know: release 99.0.0 (commit c0ffee) migrated it" in sentence
    assert caplog.messages.count(sentence) == 1


def test_the_queue_is_written_when_the_service_stops(
    start_api: StartApi,
    database_settings: dict[str, str],
    database: Connection,
    postgres_url: str,
    registry: RegistryServer,
    tmp_path: Path,
) -> None:
    migrate(postgres_url)
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True)
    eventually(lambda: client.get("/ready").status_code == 200)

    client.post("/predict", json={"records": [{}] * 9_000})
    client.__exit__()

    assert len(rows(database)) == 9_000


def test_predictions_do_not_wait_for_an_unavailable_database(
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


@pytest.mark.parametrize(("mode", "patient", "encounter"), [("plain", "7", "9"), ("none", None, None)])
def test_identifiers_are_logged_as_the_setting_says(
    start_api: StartApi,
    database_settings: dict[str, str],
    database: Connection,
    postgres_url: str,
    registry: RegistryServer,
    tmp_path: Path,
    mode: str,
    patient: str | None,
    encounter: str | None,
) -> None:
    migrate(postgres_url)
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(**database_settings, prediction_log=True, log_patient_ids=mode)
    eventually(lambda: client.get("/ready").status_code == 200)

    client.post("/predict", json={"records": [{"race": "Asian", "patient_nbr": 7, "encounter_id": 9}]})
    eventually(lambda: len(rows(database)) == 1)

    (row,) = rows(database)
    assert (row["patient"], row["encounter"], row["record"]) == (patient, encounter, {"race": "Asian"})


def test_a_batch_is_not_written_twice_if_the_reply_to_its_commit_is_lost(
    start_api: StartApi,
    database_settings: dict[str, str],
    database: Connection,
    postgres_server: PostgresServer,
    postgres_url: str,
    registry: RegistryServer,
    tmp_path: Path,
) -> None:
    migrate(postgres_url)
    registry.promote("1", write_bundle(tmp_path / "1"))
    with proxy_to(postgres_server.host, postgres_server.port) as proxy:
        through_proxy = database_settings | {"postgres_host": "127.0.0.1", "postgres_port": str(proxy.port)}
        client = start_api(**through_proxy, prediction_log=True)
        eventually(lambda: client.get("/ready").status_code == 200)
        client.post("/predict", json={"records": [{}]})
        eventually(lambda: len(rows(database)) == 1)

        proxy.cut.set()
        client.post("/predict", json={"records": [{}] * 100})
        eventually(lambda: "prediction_log_written_total 101.0" in client.get("/metrics").text)
        client.post("/predict", json={"records": [{}]})
        eventually(lambda: len(rows(database)) > 101)
        client.__exit__()

    assert proxy.lost == 1
    assert len(rows(database)) == 102
    assert len({(row["request_id"], row["position"]) for row in rows(database)}) == 102


def test_two_requests_with_the_same_id_are_two_predictions(
    logging_api: Any, database: Connection, postgres_url: str
) -> None:
    migrate(postgres_url)

    for _ in range(2):
        logging_api.post("/predict", json={"records": [{}]}, headers={"X-Request-ID": "again"})

    eventually(lambda: len(rows(database)) == 2)


@pytest.mark.parametrize("is_on", [True, False])
def test_rows_older_than_the_retention_are_deleted(
    start_api: StartApi, database_settings: dict[str, str], database: Connection, postgres_url: str, is_on: bool
) -> None:
    migrate(postgres_url, prediction_retention_days=30)
    database.execute(
        text(
            "INSERT INTO predictions (request_id, position, predicted_at, model_version, data_source, record, "
            "known_fields, probability, load_test) SELECT 'r', 0, now() - interval '29 days' - n * interval '1 hour', "
            "'1', 'real', '{}', 0, 0.1, false FROM generate_series(1, 12000) n"
        )
    )
    database.execute(
        text(
            "INSERT INTO outcomes (encounter, readmitted_within_30_days, known_on, client, received_at) "
            "SELECT n, false, now(), 'c', now() - n * interval '10 days' FROM generate_series(1, 6) n"
        )
    )

    start_api(**database_settings, prediction_log=is_on)

    eventually(lambda: len(rows(database)) <= 24)
    assert len(rows(database)) in (23, 24)
    assert [row["encounter"] for row in rows(database, "outcomes")] == ["1", "2"]
