"""Patient history from a real PostgreSQL: used if it arrives in time, and never awaited for longer."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, create_engine, text

from infra.local.postgres.cluster import PostgresServer, running
from ml import migrations
from ml.core.names import API_ROLE
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse
from tests.integration.api.bundles import expected, write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.support.postgres import API_PASSWORD, end_connections, running_postgres

LIMIT = 0.3
STAYS = (
    "INSERT INTO raw_data (patient_nbr, encounter_id, time_in_hospital, discharge_disposition_id, ingestion_id) "
    "SELECT patient, encounter, 3, discharge, max(id) FROM ingestions, "
    "(VALUES (7, 10, 1), (7, 20, 1), (7, 30, 13), (8, 15, 1)) AS stay (patient, encounter, discharge) GROUP BY 1, 2, 4"
)
INGESTION = (
    "INSERT INTO ingestions (source, provenance, content_sha256, rows_accepted, rows_rejected, rows_written) "
    "VALUES ('file', 'real', 'x', 0, 0, 0)"
)


@pytest.fixture
def model(registry: RegistryServer, tmp_path: Path) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))


@pytest.fixture
def database(database_settings: dict[str, str], postgres_url: str) -> Iterator[Connection]:
    """Patient 7 with encounters 10, 20 and 30, the last of which ended in a hospice; patient 8 with encounter 15."""
    fill(database_settings)
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def client(model: None, database: Connection, start_api: StartApi, database_settings: dict[str, str]) -> TestClient:
    return ready(start_api(**database_settings, history_timeout_seconds=LIMIT))


def fill(settings: dict[str, str]) -> None:
    with warehouse(MlSettings.load(_env_file=None, **settings)) as engine:
        migrations.upgrade(engine)
        with engine.begin() as connection:
            connection.execute(text(INGESTION))
            connection.execute(text(STAYS))


def ready(client: TestClient) -> TestClient:
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def predict(client: TestClient, *records: dict[str, Any], path: str = "/predict") -> dict[str, Any]:
    answer = client.post(path, json={"records": list(records)})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def history(client: TestClient, *records: dict[str, Any]) -> list[str]:
    states: list[str] = predict(client, *records)["history"]
    return states


def counted(client: TestClient, state: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    found = [line.split()[-1] for line in lines if line.startswith(f'api_history_total{{history="{state}"}}')]
    return float(found[0]) if found else 0.0


def test_the_earlier_stays_of_a_known_patient_are_used(client: TestClient) -> None:
    answer = predict(client, {"patient_nbr": 7}, {"patient_nbr": 9}, {"gender": "Female"}, {"patient_nbr": None})

    stays = [expected({"earlier_stays": count}, -2) for count in (2, 0)]  # the third ended in a hospice
    assert answer["predictions"] == pytest.approx([*stays, expected({"gender": "Female"}, -2), stays[1]], abs=1e-6)
    assert answer["history"] == ["used", "unknown", "none", "none"]
    assert answer["known_fields"] == [0, 0, 1, 0]
    assert answer["reliability"][0] > answer["reliability"][1] == 0.5
    assert (counted(client, "used"), counted(client, "unknown"), counted(client, "none")) == (1, 1, 0)


def test_a_patient_is_the_same_in_every_format(client: TestClient) -> None:
    seen = predict(client, {"patient_nbr": 7, "encounter_id": 20}, path="/predict")["predictions"][0]
    spellings = [("7", "20"), ("7.0", " 20"), (7.0, "20.0")]

    for patient, encounter in spellings:
        record = {"patient_nbr": patient, "encounter_id": encounter}
        table = f"patient_nbr,encounter_id\n{patient},{encounter}\n"
        csv = client.post("/predict/csv", content=table, headers={"Content-Type": "text/csv"}).text.splitlines()[1]
        inputs = [{"name": n, "shape": [1], "datatype": "BYTES", "data": [str(v)]} for n, v in record.items()]
        inferred = client.post("/v2/models/diabetes-readmission/infer", json={"inputs": inputs}).json()
        invoked = client.post("/invocations", json={"dataframe_records": [record]}).json()
        explained = client.post("/explain", json={"records": [record]}).json()
        assert predict(client, record)["history"] == ["used"]
        assert [
            predict(client, record)["predictions"][0], float(csv.split(",")[2]), inferred["outputs"][0]["data"][0],
            invoked["predictions"][0], explained["explanations"][0]["probability"],
        ] == pytest.approx([seen] * 5, abs=1e-6)  # fmt: skip


def test_a_patient_with_an_identifier_of_another_system_is_unknown(client: TestClient) -> None:
    answer = predict(
        client, {"patient_nbr": "MRN-7"}, {"patient_nbr": "007"}, {"patient_nbr": 7, "encounter_id": "E-1"}
    )

    assert answer["history"] == ["unknown", "unknown", "used"]
    assert predict(client, {"patient_nbr": "MRN-7"})["history"] == ["unknown"]
    answer_csv = client.post(
        "/predict/csv", content="patient_nbr,age\n007,?\n7,?\n", headers={"Content-Type": "text/csv"}
    )
    assert ["unknown" in line for line in answer_csv.text.splitlines()[1:]] == [True, False]
    assert answer["predictions"][2] == pytest.approx(expected({"earlier_stays": 2}, -2), abs=1e-6)


@pytest.mark.parametrize(("encounter", "stays"), [(10, 0), (15, 1), (20, 1), (21, 2), (99, 2)])
def test_only_stays_before_the_encounter_count(client: TestClient, encounter: int, stays: int) -> None:
    answer = predict(client, {"patient_nbr": 7, "encounter_id": encounter})

    assert answer["predictions"] == [pytest.approx(expected({"earlier_stays": stays}, -2), abs=1e-6)]
    assert answer["history"] == ["used"]


def test_a_large_batch_gets_the_same_history_as_single_records(client: TestClient) -> None:
    patients = [(7, 8, 9, None)[index % 4] for index in range(3_000)]

    answer = predict(client, *({"patient_nbr": patient} for patient in patients))

    expectations = {7: (2, "used"), 8: (1, "used"), 9: (0, "unknown"), None: (0, "none")}
    assert answer["history"] == [expectations[patient][1] for patient in patients]
    assert answer["predictions"] == pytest.approx(
        [expected({"earlier_stays": expectations[patient][0]}, -2) for patient in patients], abs=1e-6
    )


def test_an_explanation_uses_the_history_too(client: TestClient) -> None:
    (explained,) = predict(client, {"patient_nbr": 7, "gender": "Male"}, path="/explain")["explanations"]

    assert explained["history"] == "used"
    assert [(part["field"], part["label"], part["value"]) for part in explained["contributions"]] == [
        ("earlier_stays", "Earlier stays", 2),
        ("gender", "Gender", "Male"),
    ]


def test_a_slow_database_is_not_awaited_and_cached_patients_do_not_need_it(
    client: TestClient, database: Connection, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert predict(client, {"patient_nbr": 7})["history"] == ["used"]
    engine = create_engine(postgres_url)
    with engine.begin() as other:
        other.execute(text("LOCK TABLE raw_data IN ACCESS EXCLUSIVE MODE"))

        # Answers while the table is locked: nothing waits for the database.
        assert history(client, {"patient_nbr": 7}, {"patient_nbr": 8}) == ["used", "unavailable"]
        assert all(history(client, {"patient_nbr": 8}) == ["unavailable"] for _ in range(6))
    engine.dispose()
    assert counted(client, "unavailable") == 7


def test_a_frozen_server_is_not_awaited(client: TestClient, database: Connection) -> None:
    predict(client, {"patient_nbr": 9})
    pid = database.execute(text("SELECT pid FROM pg_stat_activity WHERE application_name = 'patient-history'")).scalar()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # the server process of the connection just used
    try:
        states = history(client, {"patient_nbr": 7})  # while the server is frozen
    finally:
        os.kill(pid, signal.SIGCONT)

    assert states == ["unavailable"]


def test_a_broken_connection_is_replaced_at_once(client: TestClient, postgres_server: PostgresServer) -> None:
    assert predict(client, {"patient_nbr": 9})["history"] == ["unknown"]

    end_connections(postgres_server, "patient-history")

    assert predict(client, {"patient_nbr": 7})["history"] == ["used"]


def test_a_database_without_tables_or_with_another_password_is_unavailable(
    model: None, start_api: StartApi, database_settings: dict[str, str]
) -> None:
    for settings in (database_settings, database_settings | {"api_db_password": "wrong"}):
        client = ready(start_api(**settings))

        assert predict(client, {"patient_nbr": 7})["history"] == ["unavailable"]


def test_a_rotated_password_is_read_from_its_file_without_a_restart(
    model: None,
    database: Connection,
    start_api: StartApi,
    database_settings: dict[str, str],
    postgres_server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    request.addfinalizer(lambda: postgres_server.ensure_role(API_ROLE, API_PASSWORD))
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    (tmp_path / "api_db_password").write_text(API_PASSWORD)
    client = ready(start_api(**database_settings, history_timeout_seconds=LIMIT, prediction_log=True))
    assert history(client, {"patient_nbr": 7}) == ["used"]

    (tmp_path / "api_db_password").write_text("rotated")
    postgres_server.ensure_role(API_ROLE, "rotated")
    for application in ("patient-history", "prediction-log"):
        end_connections(postgres_server, application)

    assert history(client, {"patient_nbr": 8}) == ["used"]
    eventually(lambda: database.execute(text("SELECT count(*) FROM predictions")).scalar_one() == 2)


def test_a_stopped_database_delays_nothing_and_is_used_again_after_its_restart(
    model: None, start_api: StartApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.storage.postgres.COOLDOWN_SECONDS", 0.5)
    monkeypatch.setattr("api.storage.patient_history.CACHE_SECONDS", 0.0)
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        with running_postgres(Path(folder)) as server:
            settings = own_database(server)
            client = ready(start_api(**settings, history_timeout_seconds=LIMIT))
            assert predict(client, {"patient_nbr": 7})["history"] == ["used"]

        assert all(history(client, {"patient_nbr": 7}) == ["unavailable"] for _ in range(20))
        assert (
            predict(client, *({"patient_nbr": number} for number in range(1, 500)))["history"] == ["unavailable"] * 499
        )

        with running(server, Path(folder) / "again.log"):
            eventually(lambda: predict(client, {"patient_nbr": 7})["history"] == ["used"])


def test_requests_without_a_patient_number_do_not_query_the_database(client: TestClient, database: Connection) -> None:
    def lookups() -> Any:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%patient-history%'"
        return database.execute(text(query)).scalar_one()

    predict(client, {"race": "Asian"}, {"encounter_id": 10})
    predict(client, *[{}] * 500)
    assert lookups() == 0

    assert predict(client, {"patient_nbr": 7})["history"] == ["used"]  # this request does
    assert lookups() == 1


def own_database(server: PostgresServer) -> dict[str, str]:
    """A filled database on the given server."""
    server.ensure_database("diabetes", "diabetes", "password")
    settings = {"postgres_port": str(server.port), "diabetes_db_password": "password"}
    fill(settings)
    return settings
