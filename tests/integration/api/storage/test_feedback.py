"""POST /feedback on a real PostgreSQL, there and away."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from sqlalchemy import Connection

from infra.local.postgres.cluster import PostgresServer
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.process import running_api
from tests.integration.api.storage.databases import connected, migrate, rows

TODAY = datetime.now(UTC).date().isoformat()
TOLD = {"readmitted_within_30_days": True, "known_on": "2026-01-31"}


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    migrate(postgres_url)
    with connected(postgres_url) as connection:
        yield connection


@pytest.fixture
def start(
    start_api: StartApi, database_settings: dict[str, str], registry: RegistryServer, tmp_path: Path
) -> Callable[..., TestClient]:
    """Starts the service with a model and the prediction log."""

    def start(**more: Any) -> TestClient:
        registry.promote("1", write_bundle(tmp_path / "1"))
        client = start_api(**(database_settings | {"prediction_log": True} | more))
        eventually(lambda: client.get("/ready").status_code == 200)
        return client

    return start


@pytest.fixture
def client(start: Callable[..., TestClient], database: Connection) -> TestClient:
    return start()


def tell(client: TestClient, *outcomes: dict[str, Any]) -> list[Any]:
    answer = client.post("/feedback", json={"outcomes": list(outcomes)})
    assert answer.status_code == 200, answer.text
    return [(result["status"], result["predictions"]) for result in answer.json()["outcomes"]]


def predict(client: TestClient, database: Connection, *records: dict[str, Any], request_id: str = "r-1") -> None:
    before = len(rows(database))
    client.post("/predict", json={"records": list(records)}, headers={"X-Request-ID": request_id})
    eventually(lambda: len(rows(database)) == before + len(records))


def labelled(database: Connection) -> list[tuple[str, int, bool]]:
    found = rows(database, "labelled_predictions")
    return [(row["request_id"], row["position"], row["readmitted_within_30_days"]) for row in found]


def test_an_outcome_finds_its_prediction_by_request_and_by_encounter(client: TestClient, database: Connection) -> None:
    predict(client, database, {"race": "Asian"}, {"encounter_id": 9, "patient_nbr": 7}, {})

    told = tell(
        client,
        {"request_id": "r-1", "position": 2, **TOLD},
        {"encounter_id": 9, "readmitted": ">30", "known_on": TODAY},
    )

    assert told == [("recorded", 1), ("recorded", 1)]
    assert labelled(database) == [("r-1", 1, False), ("r-1", 2, True)]
    by_request, by_encounter = rows(database, "outcomes")
    assert (by_request["readmitted"], by_request["known_on"]) == (None, date(2026, 1, 31))
    assert (by_encounter["readmitted"], by_encounter["encounter"]) == (">30", rows(database)[1]["encounter"])
    assert by_request["client"] == rows(database)[0]["client"]


def test_an_outcome_may_come_before_its_prediction(client: TestClient, database: Connection) -> None:
    assert tell(client, {"request_id": "r-1", **TOLD}, {"encounter_id": 9, **TOLD}) == [("recorded", 0)] * 2
    assert labelled(database) == []

    predict(client, database, {"race": "Asian"}, {"encounter_id": 9})

    assert labelled(database) == [("r-1", 0, True), ("r-1", 1, True)]


def test_telling_again_changes_nothing_and_a_correction_keeps_what_it_corrects(
    client: TestClient, database: Connection
) -> None:
    predict(client, database, {})
    corrected = {**TOLD, "readmitted_within_30_days": False}

    told = [tell(client, {"request_id": "r-1", **outcome})[0][0] for outcome in (TOLD, TOLD, corrected, corrected)]

    assert told == ["recorded", "unchanged", "corrected", "unchanged"]
    assert [row["readmitted_within_30_days"] for row in rows(database, "outcomes")] == [True, False]
    assert labelled(database) == [("r-1", 0, False)]
    metrics = client.get("/metrics").text
    for status, count in (("recorded", 1), ("unchanged", 2), ("corrected", 1)):
        assert f'api_feedback_total{{status="{status}"}} {count}.0' in metrics


def test_the_same_outcome_told_at_the_same_time_is_recorded_once(client: TestClient, database: Connection) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: tell(client, {"encounter_id": 5, **TOLD})[0][0], range(24)))

    assert sorted(set(told)) == ["recorded", "unchanged"]
    assert told.count("recorded") == 1
    assert len(rows(database, "outcomes")) == 1


def test_ten_thousand_outcomes_are_one_request(client: TestClient, database: Connection) -> None:
    predict(client, database, *[{"encounter_id": number + 1} for number in range(10_000)])
    outcomes = [{"encounter_id": number + 1, "readmitted": "NO", "known_on": TODAY} for number in range(10_000)]

    assert tell(client, *outcomes) == [("recorded", 1)] * 10_000
    assert tell(client, *outcomes) == [("unchanged", 1)] * 10_000


def test_without_encounters_in_the_log_an_outcome_needs_a_request_id(
    start: Callable[..., TestClient], database: Connection
) -> None:
    client = start(log_patient_ids="none")
    predict(client, database, {"encounter_id": 9})

    refused = client.post("/feedback", json={"outcomes": [{"request_id": "r-1", **TOLD}, {"encounter_id": 9, **TOLD}]})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["record"] == 1
    assert "LOG_PATIENT_IDS=none" in refused.json()["detail"]
    assert rows(database, "outcomes") == []
    assert tell(client, {"request_id": "r-1", **TOLD}) == [("recorded", 1)]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"outcomes": []}, 422, "Outcomes must hold 1 to 10000 outcomes, not 0."),
        ({"outcome": [{"request_id": "r"}]}, 422, "The body must be an object"),
        ({"outcomes": [{"request_id": "r", **TOLD}, {"readmitted": "NO"}]}, 422, "Outcome 1: known_on: "),
        ({"outcomes": [TOLD]}, 422, "Outcome 0: give either request_id or encounter_id."),
        ({"outcomes": [{"request_id": "r", "readmitted": "NO", **TOLD}]}, 422, "Outcome 0: give either readmitted"),
        ({"outcomes": [{"encounter_id": 9, "position": 1, **TOLD}]}, 422, "Outcome 0: position goes with request_id."),
        ({"outcomes": [{"request_id": "r", **TOLD}] * 2}, 422, "Outcome 1: outcome 0 is of the same prediction."),
        ({"outcomes": [{"request_id": "r", **TOLD, "known_on": "2999-01-01"}]}, 422, "known_on lies in the future"),
        ({"outcomes": [{"request_id": "r", **TOLD, "known_on": "20260131"}]}, 422, "Outcome 0: known_on: "),
        ({"outcomes": [{"request_id": "r\n", **TOLD}]}, 422, "Outcome 0: request_id: "),
        ({"outcomes": [{"request_id": "r", "note": "x", **TOLD}]}, 422, "Outcome 0: note: "),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    client: TestClient, database: Connection, body: Any, status: int, told: str
) -> None:
    answer = client.post("/feedback", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.json()["detail"]
    assert rows(database, "outcomes") == []


def test_while_postgres_is_away_feedback_waits_and_nothing_else_does(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(postgres_port="9")
    eventually(lambda: client.get("/ready").status_code == 200)

    for _ in range(3):
        answer = client.post("/feedback", json={"outcomes": [{"request_id": "r", **TOLD}]})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"].endswith("no-database")
        assert client.post("/predict", json={"records": [{}]}).status_code == 200


def test_a_postgres_that_hangs_holds_up_neither_feedback_nor_predictions(
    start: Callable[..., TestClient], database: Connection, postgres_server: PostgresServer
) -> None:
    client = start()
    tell(client, {"request_id": "r", **TOLD})
    lock = database.engine.connect().execution_options(isolation_level="READ COMMITTED")
    with lock.begin():
        lock.exec_driver_sql("LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor() as pool:
            started = time.monotonic()
            waiting = pool.submit(client.post, "/feedback", json={"outcomes": [{"request_id": "r", **TOLD}]})
            while not waiting.done():
                asked = time.monotonic()
                assert client.post("/predict", json={"records": [{}]}).status_code == 200
                assert time.monotonic() - asked < 1
                time.sleep(0.1)

    assert waiting.result().status_code == 503
    assert time.monotonic() - started < 8
    lock.close()
    eventually(lambda: client.post("/feedback", json={"outcomes": [{"request_id": "r", **TOLD}]}).status_code == 200)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_answers_are_as_documented(
    database: Connection, database_settings: dict[str, str], tmp_path: Path, mode: schemathesis.GenerationMode
) -> None:
    variables = {name.upper(): value for name, value in database_settings.items()}
    with running_api(tmp_path, "http://127.0.0.1:9", **variables) as api:
        operation = schemathesis.openapi.from_url(f"{api.url}/openapi.json")["/feedback"]["POST"]
        # A date in the future and an outcome told twice are refused, which a schema cannot say.
        (semantic,) = CHECKS.get_by_names(["positive_data_acceptance"])

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=[semantic])

        check()


def test_a_date_is_today_at_the_latest_wherever_that_is(client: TestClient) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)

    assert tell(client, {"request_id": "r", **TOLD, "known_on": tomorrow.isoformat()}) == [("recorded", 0)]


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    sent: httpx.Response = client.post("/feedback", content=b"{", headers={"Content-Type": "application/json"})

    assert sent.status_code == 400
