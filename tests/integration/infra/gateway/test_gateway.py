"""The gateway before the real API, the real interface and a real Prometheus: nothing is reached without a login."""

import base64
import re
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from api.keys import hash_key
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import running_api
from tests.support.browser import running_browser
from tests.support.gateway import PASSWORD, USER, Answer, Gateway, Recorder, command, running_gateway
from tests.support.interface import open_page, running_ui
from tests.support.prometheus import running_prometheus
from tests.support.serving import serving

KEY = "key of the tests"
LOGIN = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
ONE = '{"records": [{}]}'
RECORDED = ("airflow-apiserver", "mlflow", "grafana", "alertmanager", "locust")
FOLDERS = ("airflow", "mlflow", "grafana", "prometheus", "alertmanager", "locust")
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": base64.b64encode(b"sixteen bytes ..").decode(),
}
STREAM = "/_stcore/stream"


@dataclass(frozen=True)
class Platform:
    """The gateway, and what records the requests to the other pages."""

    gateway: Gateway
    others: Recorder


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    parts = {name: folder / name for name in ("api", "prometheus", "gateway")}
    for part in parts.values():
        part.mkdir()
    with ExitStack() as stack:
        registry, others = stack.enter_context(running_registry()), stack.enter_context(serving(Recorder()))
        registry.promote("1", write_bundle(folder / "1"))
        keys = {"API_KEYS": f"ward:{hash_key(KEY)}", "ROOT_PATH": "/api"}
        api = stack.enter_context(running_api(parts["api"], registry.url, **keys))
        own = {"API_URL": api.url, "API_KEY": KEY, "MLFLOW_TRACKING_URI": registry.url, "UI_LANGUAGE": "en"}
        ui = stack.enter_context(running_ui(folder, **own))
        options = ("--web.external-url=https://localhost/prometheus", "--web.route-prefix=/")
        prometheus = stack.enter_context(running_prometheus(parts["prometheus"], {}, options=options))
        upstreams = dict.fromkeys(RECORDED, others.address)
        for service, url in (("api", api.url), ("streamlit", ui), ("prometheus", prometheus.url)):
            upstreams[service] = urlsplit(url).netloc
        api.wait_until_ready()
        yield Platform(stack.enter_context(running_gateway(parts["gateway"], upstreams)), others)


@pytest.fixture
def gateway(platform: Platform) -> Gateway:
    platform.others.received.clear()
    return platform.gateway


def cookie(answer: Answer) -> str:
    """Name and value of the cookie that an answer sets."""
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


PAGES = ["/", "/home", "/_stcore/health", *(f"/{folder}/" for folder in FOLDERS), *(f"/{name}" for name in FOLDERS)]


@pytest.mark.parametrize("target", PAGES)
def test_a_page_wants_the_login_and_sets_no_cookie_without_it(
    gateway: Gateway, platform: Platform, target: str
) -> None:
    wrong = f"Basic {base64.b64encode(f'{USER}:wrong'.encode()).decode()}"
    forged = "__Host-gateway=; __Host-gateway=x"
    for headers in ({}, {"Authorization": wrong}, {"Authorization": f"Bearer {KEY}"}, {"Cookie": forged}):
        answer = gateway.send(target, **headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert "Set-Cookie" not in answer.headers
    assert platform.others.received == []


TRICKS = [
    "//airflow/", "/api/../airflow/", "/api/%2e%2e/airflow/", "/api/..%2fairflow/", "/api/.%2e/mlflow/",
    "/API/../mlflow/", "/api//../mlflow/", "/api/..;/mlflow/", "/api\\..\\mlflow/", "/%61irflow/", "/airflow%2f",
    "/mlflow/../mlflow/x", "/api/../../mlflow/", "/api%2f..%2fmlflow/", "/apis/", "/api/%252e%252e/mlflow/",
    "/./mlflow/", "/api/..//mlflow/", "https://localhost/mlflow/", "/api#/../mlflow/",
]  # fmt: skip


@pytest.mark.parametrize("target", TRICKS)
@pytest.mark.parametrize("headers", [{}, {"X_API_Key": KEY}, WEBSOCKET], ids=["plain", "API key", "WebSocket"])
def test_no_spelling_of_a_path_leads_past_the_login(
    gateway: Gateway, platform: Platform, target: str, headers: dict[str, str]
) -> None:
    answer = gateway.send(target, **headers)
    assert answer.status in (400, 401, 404), "404 and 400: the API's, which has no such path"
    assert platform.others.received == []


METRICS = (
    "metrics",
    "/metrics",
    "%6detrics",
    "./metrics",
    "x/../metrics",
    "metrics/",
    "metrics?",
    "metrics%2f",
    "METRICS",
)


@pytest.mark.parametrize("spelling", METRICS)
def test_the_metrics_of_the_api_want_the_login(gateway: Gateway, spelling: str) -> None:
    assert b"api_request_duration_seconds" not in gateway.send(f"/api/{spelling}", X_API_Key=KEY).body
    assert b"api_request_duration_seconds" in gateway.send("/api/metrics", Authorization=LOGIN).body


def test_the_api_wants_a_key_and_no_login(gateway: Gateway) -> None:
    json = {"Content_Type": "application/json"}
    assert gateway.send("/api/predict", "POST", ONE, **json).status == 401
    assert gateway.send("/api/predict", "POST", ONE, Authorization=LOGIN, **json).status == 401
    for key in ({"X_API_Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"X_API_Key": KEY, "Authorization": LOGIN}):
        answer = gateway.send("/api/predict", "POST", ONE, **key, **json)
        assert (answer.status, b"predictions" in answer.body) == (200, True)
        assert "Set-Cookie" not in answer.headers
    assert [gateway.send(path).status for path in ("/api", "/api/docs", "/api/ready")] == [308, 200, 200]
    assert b'"url":"/api"' in gateway.send("/api/openapi.json").body.replace(b" ", b"")


def test_a_login_opens_the_pages_and_its_cookie_takes_its_place(gateway: Gateway, platform: Platform) -> None:
    answer = gateway.send("/_stcore/health", Authorization=LOGIN)
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["Set-Cookie"].endswith("; Path=/; Secure; HttpOnly; SameSite=Strict")
    assert re.fullmatch(r"__Host-gateway=[0-9a-f-]{36}", cookie(answer))
    for given in (cookie(answer), f"theme=dark; {cookie(answer)}", f"{cookie(answer)}; theme=dark"):
        known = gateway.send("/mlflow/", Cookie=given)
        assert (known.status, "Set-Cookie" in known.headers) == (200, False)
    assert gateway.send("/mlflow/", Cookie=f"{cookie(answer)}0").status == 401
    assert len(platform.others.received) == 3


def test_a_websocket_needs_the_login_or_its_cookie(gateway: Gateway) -> None:
    page = gateway.send("/", Authorization=LOGIN)
    own = {"Origin": gateway.url}
    assert gateway.send(STREAM, **WEBSOCKET, **own).status == 401
    assert gateway.send(STREAM, **WEBSOCKET, **own, Authorization=LOGIN).status == 101
    assert gateway.send(STREAM, **WEBSOCKET, **own, Cookie=cookie(page)).status == 101
    foreign = gateway.send(STREAM, **WEBSOCKET, Origin="https://elsewhere.example", Authorization=LOGIN)
    assert foreign.status == 403


def test_a_page_gets_its_path_and_neither_login_nor_cookie(gateway: Gateway, platform: Platform) -> None:
    session = cookie(gateway.send("/", Authorization=LOGIN))
    platform.others.received.clear()
    for folder in ("airflow", "mlflow", "grafana", "alertmanager", "locust"):
        gateway.send(
            f"/{folder}/a%20b?c=d", Authorization=LOGIN, Cookie=f"_token=t; {session}", X_Forwarded_For="1.2.3.4"
        )
    paths = [path for path, _ in platform.others.received]
    assert paths == ["/airflow/a%20b?c=d", *["/a%20b?c=d"] * 4]
    for _, headers in platform.others.received:
        assert "Authorization" not in headers
        assert headers["Cookie"] == "_token=t; gateway=hidden"
        assert headers["Host"] == urlsplit(gateway.url).netloc
        assert (headers["X-Forwarded-Proto"], headers["X-Forwarded-For"]) == ("https", "127.0.0.1")


def test_the_pages_of_prometheus_have_their_prefix(gateway: Gateway) -> None:
    redirect = gateway.send("/prometheus/", Authorization=LOGIN)
    assert (redirect.status, redirect.headers["Location"].startswith("/prometheus/")) == (302, True)
    assert b'"status":"success"' in gateway.send("/prometheus/api/v1/query?query=up", Authorization=LOGIN).body


@pytest.mark.parametrize(
    "target", ["/mlflow", "//mlflow", "//evil.example/../mlflow", "/x/../mlflow", "/\\evil/../mlflow"]
)
def test_a_missing_slash_is_added_and_leads_to_no_other_host(gateway: Gateway, target: str) -> None:
    answer = gateway.send(target, Authorization=LOGIN)
    assert answer.status in (200, 302)
    assert answer.headers["Location"] in (None, "/mlflow/")


def test_every_answer_has_the_security_headers_and_names_no_server(gateway: Gateway, tmp_path: Path) -> None:
    answers = [
        gateway.send("/", Authorization=LOGIN),
        gateway.send("/"),
        gateway.send("/api/docs"),
        gateway.send("/mlflow/x"),
    ]
    with running_gateway(
        tmp_path, dict.fromkeys((*RECORDED, "api", "streamlit", "prometheus"), "127.0.0.1:9")
    ) as broken:
        answers += [broken.send("/", Authorization=LOGIN), broken.send("/api/docs")]
    assert [answer.status for answer in answers] == [200, 401, 200, 401, 502, 502]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'self'" in answer.headers.get_all("Content-Security-Policy", [])
        assert not {"server", "via"} & {name.lower() for name in answer.headers}
        assert "Strict-Transport-Security" not in answer.headers, "this machine has other pages without TLS"


def test_a_named_host_wants_tls_for_a_year_and_answers_to_no_other_name(tmp_path: Path, platform: Platform) -> None:
    upstreams = dict.fromkeys((*RECORDED, "api", "streamlit", "prometheus"), platform.others.address)
    with running_gateway(tmp_path, upstreams, host="risk.example.org") as named:
        assert named.send("/").headers["Strict-Transport-Security"] == "max-age=31536000"
        platform.others.received.clear()
        other = named.send("/api/docs", Host="elsewhere.example", Authorization=LOGIN)
        assert (other.body, platform.others.received) == (b"", [])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_tls_below_1_2_is_refused(gateway: Gateway, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=gateway.authority)
    context.set_ciphers("ALL:@SECLEVEL=0")  # else our own side would refuse
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError, match="alert protocol version"), gateway.connect(context):
        pass


def test_without_a_password_it_does_not_start(tmp_path: Path) -> None:
    for password in (None, ""):
        if password is not None:
            (tmp_path / "gateway_password").write_text(password)
        done = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, "plaintext is required" in done.stderr) == (1, True)


def test_the_interface_is_drawn_in_a_browser(gateway: Gateway) -> None:
    with running_browser() as browser:
        login = {"username": USER, "password": PASSWORD}
        page = browser.new_context(ignore_https_errors=True, http_credentials=login).new_page()
        failed: list[str] = []
        page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        open_page(page, gateway.url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert failed in ([], [f"{gateway.url}/"]), "the first answer asks for the login"
