"""Requests as clients, browsers and proxies send them: encodings, spellings of paths, prefixes, other origins."""

import gzip
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from api.keys import hash_key
from api.settings import ApiSettings
from ml.core.errors import SettingsError
from tests.integration.api.conftest import StartApi, eventually

JSON = {"Content-Type": "application/json"}
ORIGIN = "https://ward.example"
KEY = "a key of the tests"
ONE = {"records": [{}]}


def ready(client: TestClient) -> TestClient:
    eventually(lambda: client.get("/ready").status_code == 200)
    return client


def test_a_gzip_body_is_scored_and_limited_by_its_inflated_size(client: TestClient, start_api: StartApi) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    small = ready(start_api(max_body_bytes=2_000))

    assert client.post("/predict", content=gzip.compress(json.dumps(ONE).encode()), headers=headers).is_success
    bomb = small.post("/predict", content=gzip.compress(b" " * 1_000_000), headers=headers)
    assert (bomb.status_code, "(MAX_BODY_BYTES)" in bomb.json()["detail"]) == (413, True)
    assert small.post("/predict/csv", content=b"age\n", headers=headers).status_code == 415


def test_a_file_with_gzip_in_both_directions_has_the_same_answer(client: TestClient) -> None:
    body = "number_inpatient\n" + "".join(f"{number % 50}\n" for number in range(3_000))
    plain = client.post(
        "/predict/csv", content=body, headers={"Content-Type": "text/csv", "Accept-Encoding": "identity"}
    )
    for media in ("application/csv", "application/vnd.ms-excel"):
        packed = client.post(
            "/predict/csv",
            content=gzip.compress(body.encode()),
            headers={"Content-Type": media, "Content-Encoding": "gzip", "Accept-Encoding": "gzip"},
        )
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.text == plain.text
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("charset", ["utf8", "UTF-8", '"utf-8"', "us-ascii"])
def test_names_of_utf_8_are_accepted(client: TestClient, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}

    assert client.post("/predict", content=json.dumps(ONE), headers=headers).status_code == 200


def test_a_slash_at_the_end_finds_the_route_without_a_redirect(client: TestClient) -> None:
    answers = [
        client.post("/predict/", json=ONE, follow_redirects=False),
        client.get("/health//", follow_redirects=False),
        client.get("/v2/models/diabetes-readmission/", follow_redirects=False),
        client.get("/predict/"),
        client.get("/nowhere/"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 405, 404]
    assert 'route="/predict",status="200"' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("path", "status", "hint"),
    [
        ("/predict?intervall=true", 422, "known: interval"),
        ("/explain?interval=true", 422, "this route has none"),
        ("/invocations?interval=true", 400, "known: code_system"),
    ],
)
def test_an_unknown_query_parameter_is_refused_by_name(client: TestClient, path: str, status: int, hint: str) -> None:
    answer = client.post(path, json=ONE)

    name = path.partition("?")[2].partition("=")[0]
    assert answer.status_code == status
    assert f"Unknown query parameter '{name}'; {hint}." in answer.text


def test_probes_may_have_any_query(client: TestClient) -> None:
    assert [client.get(f"{path}?t=1").status_code for path in ("/health", "/ready", "/metrics", "/docs")] == [200] * 4


def test_head_is_answered_like_get_without_a_body(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    paths = [path for path, item in document["paths"].items() if "get" in item]
    for path in ("/", "/docs", "/openapi.json", *paths):
        path = path.format(name="diabetes-readmission", version=1)
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-type"] == got.headers["content-type"], path
    refused = client.put("/health")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_metrics_are_openmetrics_for_those_who_ask(client: TestClient) -> None:
    client.post("/predict", json=ONE)
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})

    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {"api_predictions", "api_request_duration_seconds", "model_loaded"} <= families
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=")


@pytest.mark.parametrize("prefix", ["", "/risk"], ids=["the proxy strips the prefix", "the proxy keeps the prefix"])
def test_the_service_works_under_a_prefix(client: TestClient, start_api: StartApi, prefix: str) -> None:
    behind = ready(start_api(root_path="/risk"))

    assert behind.post(f"{prefix}/predict", json=ONE).status_code == 200
    assert behind.post(f"{prefix}/predict/", json=ONE).status_code == 200
    assert behind.post(f"{prefix}/invocations", json={"inputs": 1}).json()["error_code"] == "BAD_REQUEST"
    assert "url: 'openapi.json'" in behind.get(f"{prefix}/docs").text
    assert behind.get(f"{prefix}/docs/swagger-ui.css").status_code == 200
    assert behind.get(f"{prefix}/openapi.json").json()["servers"][0] == {"url": "/risk"}
    redirect = behind.get(f"{prefix}/docs/", follow_redirects=False)
    assert (redirect.status_code, redirect.headers["location"]) == (308, "../docs")


def test_the_prefix_alone_leads_to_the_start_page(start_api: StartApi) -> None:
    redirect = start_api(root_path="/risk").get("/risk", follow_redirects=False)

    assert (redirect.status_code, redirect.headers["location"]) == (308, "risk/")


@pytest.mark.parametrize("prefix", ["risk", "/risk/", "/a b", "/"])
def test_a_malformed_prefix_ends_the_start(prefix: str) -> None:
    with pytest.raises(SettingsError, match="ROOT_PATH"):
        ApiSettings.load(_env_file=None, api_db_password="x", prediction_log_key="k" * 16, root_path=prefix)


def preflight(client: TestClient, origin: str) -> Any:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}
    return client.options("/predict", headers={"Origin": origin, **asked})


def test_scripts_of_other_origins_are_allowed_by_the_setting(client: TestClient, start_api: StartApi) -> None:
    settings = {"cors_origins": f"{ORIGIN}, https://other.example/", "api_keys": f"ward:{hash_key(KEY)}"}
    crossed = ready(start_api(**settings))
    origin, key = {"Origin": ORIGIN}, {"X-API-Key": KEY}

    allowed = preflight(crossed, ORIGIN)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert preflight(crossed, "https://other.example").status_code == 200
    assert preflight(crossed, "https://evil.example").status_code == 400
    for headers, status in ((origin | key, 200), (origin, 401), (origin | key | {"Content-Type": "a/b"}, 415)):
        answer = crossed.post("/predict", json=ONE, headers=headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in client.post("/predict", json=ONE, headers=origin).headers
    assert preflight(client, ORIGIN).status_code == 405


def test_an_unexpected_error_can_be_read_by_scripts_too(start_api: StartApi, monkeypatch: pytest.MonkeyPatch) -> None:
    crossed = start_api(cors_origins="*")
    monkeypatch.setattr(crossed.app.state.services.model_store, "require", None)  # type: ignore[attr-defined]

    answer = crossed.get("/ready", headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, "*")
