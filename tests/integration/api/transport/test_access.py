"""API keys and rate limit of the running application."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from api.keys import hash_key
from tests.integration.api.bundles import write_bundle
from tests.integration.api.conftest import StartApi, eventually
from tests.integration.api.models.registry_server import RegistryServer
from tests.integration.api.storage.databases import connected, migrate, rows

KEYS = {"api_keys": f"ward-7:{hash_key('key of ward 7')},load:{hash_key('key of the load test')}"}
WARD = {"X-API-Key": "key of ward 7"}
BODY = {"records": [{}]}
OPEN = (
    "/", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/health", "/ready", "/metrics", "/ping", "/version", "/v2",
    "/v2/health/live", "/v2/health/ready", "/v2/models/diabetes-readmission/ready",
)  # fmt: skip

Start = Callable[..., TestClient]


@pytest.fixture
def start(start_api: StartApi, registry: RegistryServer, tmp_path: Path) -> Start:
    registry.promote("1", write_bundle(tmp_path / "1"))

    def start(**settings: Any) -> TestClient:
        client = start_api(**settings)
        eventually(lambda: client.get("/ready").status_code == 200)
        return client

    return start


@pytest.mark.parametrize(
    "headers", [WARD, {"Authorization": "Bearer key of ward 7"}, {"Authorization": "bearer  key of ward 7"}]
)
def test_a_valid_key_is_accepted(start: Start, headers: dict[str, str]) -> None:
    client = start(**KEYS)

    assert client.post("/predict", json=BODY, headers=headers).status_code == 200
    assert client.get("/model", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "key of ward 8"},
        {"X-API-Key": hash_key("key of ward 7")},
        {"Authorization": "Basic a2V5IG9mIHdhcmQgNw=="},
        {"Authorization": "Bearer"},
    ],
)
def test_without_a_valid_key_only_probes_and_documentation_are_open(start: Start, headers: dict[str, str]) -> None:
    client = start(**KEYS)

    for path in OPEN:
        assert client.get(path, headers=headers).status_code == 200, path
    for method, path in (("POST", "/predict"), ("POST", "/explain"), ("POST", "/feedback"), ("GET", "/model")):
        answer = client.request(method, path, json=BODY, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_protocols_have_their_own_error_format(start: Start) -> None:
    client = start(**KEYS)

    assert client.post("/invocations", json={"inputs": [{}]}).json()["error_code"] == "UNAUTHENTICATED"
    rejected = client.post("/v2/models/diabetes-readmission/infer", json={})
    assert (rejected.status_code, rejected.json().keys()) == (401, {"error"})


def test_the_key_is_checked_before_the_body_is_read(start: Start) -> None:
    client = start(**KEYS, max_body_bytes=1024)

    assert client.post("/predict", content=b"[" * 5_000).status_code == 401


def test_rejections_are_counted_by_route_and_status(start: Start) -> None:
    client = start(**KEYS)
    client.post("/predict", json=BODY)

    expected = 'api_request_duration_seconds_count{method="POST",route="/predict",status="401"} 1.0'
    assert expected in client.get("/metrics").text


def test_the_log_names_the_owner_of_the_key(start: Start, database_settings: dict[str, str], postgres_url: str) -> None:
    migrate(postgres_url)
    client = start(**KEYS, **database_settings, prediction_log=True)

    client.post("/predict", json=BODY, headers=WARD)

    with connected(postgres_url) as database:
        eventually(lambda: len(rows(database)) == 1)
        assert client_names(database) == ["key:ward-7"]


def test_a_client_above_its_rate_limit_gets_a_429_with_retry_after(start: Start) -> None:
    client = start(rate_limit_per_second=0.5, rate_limit_burst=3)

    answers = [client.post("/predict", json=BODY) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    assert answers[-1].headers["content-type"] == "application/problem+json"
    for path in OPEN:
        assert client.get(path).status_code == 200, path


def test_each_key_has_its_own_limit_and_invalid_keys_share_that_of_their_address(start: Start) -> None:
    client = start(**KEYS, rate_limit_per_second=0.01, rate_limit_burst=2)

    def statuses(key: str) -> list[int]:
        return [client.get("/model", headers={"X-API-Key": key}).status_code for _ in range(3)]

    assert statuses("guess 1") == [401, 401, 429]
    assert statuses("guess 2") == [429, 429, 429]
    assert statuses("key of ward 7") == [200, 200, 429]
    assert statuses("key of the load test") == [200, 200, 429]


def client_names(database: Connection) -> list[str]:
    return [row["client"] for row in rows(database)]


def test_only_the_first_key_or_those_that_the_setting_names_may_mark_a_load_test(start: Start) -> None:
    marked = {"X-Load-Test": "1"}
    load = {"X-API-Key": "key of the load test"}

    def statuses(**settings: Any) -> list[int]:
        client = start(**KEYS, **settings)
        answers = [client.post("/predict", json=BODY, headers=key | marked) for key in (WARD, load)]
        assert all(client.post("/predict", json=BODY, headers=key).status_code == 200 for key in (WARD, load))
        for answer in answers:
            if answer.is_error:
                assert answer.json()["type"] == "urn:readmission:problem:load-test-mark"
                assert "LOAD_TEST_KEYS" in answer.json()["detail"]
        return [answer.status_code for answer in answers]

    assert statuses() == [200, 403]
    assert statuses(load_test_keys="load") == [403, 200]
    assert statuses(load_test_keys=" load , ward-7") == [200, 200]


def test_a_mark_without_keys_is_anybodys(start: Start) -> None:
    assert start().post("/predict", json=BODY, headers={"X-Load-Test": "1"}).status_code == 200
