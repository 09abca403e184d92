"""POST /feedback: what is refused, a PostgreSQL that is away or hangs, and responses as documented."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
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
from tests.integration.api.storage.conftest import Serve
from tests.integration.api.storage.databases import rows
from tests.integration.api.storage.outcomes import OUTCOME, send


@pytest.fixture
def start(serve: Serve) -> Serve:
    """Starts the service with the prediction log."""
    return partial(serve, prediction_log=True)


@pytest.fixture
def client(start: Serve, database: Connection) -> TestClient:
    return start()


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"outcomes": []}, 422, "Outcomes must hold 1 to 10000 outcomes, not 0."),
        ({"outcome": [{"request_id": "r"}]}, 422, "Unknown field; only 'outcomes' is known."),
        ({"outcomes": [{"request_id": "r", **OUTCOME}, {"readmitted": "NO"}]}, 422, "Outcome 1: known_on: "),
        ({"outcomes": [OUTCOME]}, 422, "Outcome 0: give either request_id or encounter_id."),
        ({"outcomes": [{"request_id": "r", "readmitted": "NO", **OUTCOME}]}, 422, "Outcome 0: give either readmitted"),
        (
            {"outcomes": [{"encounter_id": 9, "position": 1, **OUTCOME}]},
            422,
            "Outcome 0: position requires request_id.",
        ),
        ({"outcomes": [{"request_id": "r", **OUTCOME}] * 2}, 422, "Outcome 1: outcome 0 is for the same prediction."),
        ({"outcomes": [{"request_id": "r", **OUTCOME, "known_on": "2999-01-01"}]}, 422, "known_on is in the future"),
        (
            {"outcomes": [{"request_id": "r", **OUTCOME, "known_on": "20260131"}]},
            422,
            "Outcome 0: known_on: must be a day",
        ),
        (
            {"outcomes": [{"request_id": "r", **OUTCOME, "known_on": "2026-02-30T10:00"}]},
            422,
            "known_on: must be a day",
        ),
        (
            {"outcomes": [{"encounter_id": "a\tb", **OUTCOME}]},
            422,
            "Outcome 0: encounter_id: not a whole number from 1",
        ),
        ({"outcomes": [{"request_id": "r\n", **OUTCOME}]}, 422, "Outcome 0: request_id: "),
        ({"outcomes": [{"request_id": "r", "note": "x", **OUTCOME}]}, 422, "Outcome 0: note: "),
    ],
)
def test_invalid_outcomes_are_rejected_and_nothing_is_stored(
    client: TestClient, database: Connection, body: Any, status: int, detail: str
) -> None:
    answer = client.post("/feedback", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]
    assert rows(database, "outcomes") == []


def test_while_postgres_is_unavailable_feedback_fails_and_predictions_succeed(
    start_api: StartApi, registry: RegistryServer, tmp_path: Path
) -> None:
    registry.promote("1", write_bundle(tmp_path / "1"))
    client = start_api(postgres_port="9")
    eventually(lambda: client.get("/ready").status_code == 200)

    for _ in range(3):
        answer = client.post("/feedback", json={"outcomes": [{"request_id": "r", **OUTCOME}]})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"].endswith("no-database")
        assert client.post("/predict", json={"records": [{}]}).status_code == 200


def test_a_hanging_postgres_blocks_neither_feedback_nor_predictions(
    start: Serve, database: Connection, postgres_server: PostgresServer
) -> None:
    client = start()
    send(client, {"request_id": "r", **OUTCOME})
    lock = database.engine.connect().execution_options(isolation_level="READ COMMITTED")
    with lock.begin():
        lock.exec_driver_sql("LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(client.post, "/feedback", json={"outcomes": [{"request_id": "r", **OUTCOME}]})
            predicted = client.post("/predict", json={"records": [{}]})
            assert not waiting.done(), "the prediction does not wait for the table"
            assert waiting.result().status_code == 503  # the table is still locked

    assert predicted.status_code == 200
    lock.close()
    eventually(lambda: client.post("/feedback", json={"outcomes": [{"request_id": "r", **OUTCOME}]}).status_code == 200)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_responses_are_as_documented(
    database: Connection, database_settings: dict[str, str], tmp_path: Path, mode: schemathesis.GenerationMode
) -> None:
    variables = {name.upper(): value for name, value in database_settings.items()}
    with running_api(tmp_path, "http://127.0.0.1:9", **variables) as api:
        operation = schemathesis.openapi.from_url(f"{api.url}/openapi.json")["/feedback"]["POST"]
        # A JSON schema cannot express that dates in the future and repeated predictions are invalid.
        (semantic,) = CHECKS.get_by_names(["positive_data_acceptance"])

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(excluded_checks=[semantic])

        check()


def test_the_date_of_an_outcome_may_be_tomorrow_in_utc(client: TestClient) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)

    assert send(client, {"request_id": "r", **OUTCOME, "known_on": tomorrow.isoformat()}) == [("recorded", 0)]


def test_invalid_json_is_a_400(client: TestClient) -> None:
    sent: httpx.Response = client.post("/feedback", content=b"{", headers={"Content-Type": "application/json"})

    assert sent.status_code == 400
