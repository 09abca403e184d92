"""The service under a path prefix behind a real HAProxy, and its documentation in a real browser."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from api.keys import hash_key
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api
from tests.support.browser import running_browser
from tests.support.haproxy import Proxy, running_haproxy

PREFIX = "/risk"
ONE = {"records": [{}]}
KEY = "key of the tests"


@dataclass(frozen=True)
class Published:
    """The service, and its address on the proxy."""

    url: str
    api: ApiProcess
    client: httpx.Client


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    folder = tmp_path_factory.mktemp("service")
    with running_registry() as registry:
        registry.promote("1", write_bundle(folder / "1"))
        with running_api(folder, registry.url, ROOT_PATH=PREFIX) as process:
            process.wait_until_ready()
            yield process


@pytest.fixture(scope="module", params=[True, False], ids=["strips the prefix", "keeps the prefix"])
def proxy(api: ApiProcess, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    server = urlsplit(api.url).netloc
    with running_haproxy(tmp_path_factory.mktemp("haproxy"), server, strips_prefix=request.param) as proxy:
        yield proxy


@pytest.fixture(params=["http", "https"])
def published(api: ApiProcess, proxy: Proxy, request: pytest.FixtureRequest) -> Iterator[Published]:
    address: str = getattr(proxy, request.param)
    with httpx.Client(base_url=address, verify=False) as client:  # noqa: S501 -- the certificate is the test's own
        yield Published(f"{address}{PREFIX}", api, client)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that accepts the self-signed certificate; every request that fails in it fails the test."""
    with ExitStack() as stack:
        context = browser.new_context(ignore_https_errors=True)
        stack.callback(context.close)
        page = context.new_page()
        failed: list[str] = []
        page.on(
            "response", lambda answer: failed.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        )
        page.on("requestfailed", lambda request: failed.append(f"{request.failure} {request.url}"))
        yield page
        assert failed == []


def test_try_it_out_predicts_in_a_browser(published: Published, page: Page) -> None:
    page.goto(f"{published.url}/docs")
    operation = page.locator("#operations-prediction-predict")
    operation.locator(".opblock-summary-control").click()
    expect(operation.get_by_role("button", name="Cancel")).to_be_visible()  # the form is open without "Try it out"
    with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        operation.get_by_role("button", name="Execute").click()

    assert answered.value.url == f"{published.url}/predict?interval=false"
    live = operation.locator(".live-responses-table")
    expect(live.locator(".response-col_status").last).to_contain_text("200")
    shown = json.loads(live.locator(".highlight-code code").first.inner_text())
    assert 0 < shown["predictions"][0] < 1
    assert shown["request_id"] == answered.value.headers["x-request-id"]
    assert page.locator(".servers select option").first.get_attribute("value") == PREFIX


@pytest.mark.parametrize("path", ["", "/"])
def test_the_start_page_and_its_links_open_in_a_browser(published: Published, page: Page, path: str) -> None:
    page.goto(f"{published.url}{path}")
    links = page.locator("ul").first.get_by_role("link")
    opened = [page.request.get(link.evaluate("link => link.href")) for link in links.all()]

    assert [(answer.status, answer.url.removeprefix(published.url)) for answer in opened] == [
        (200, "/docs"),
        (200, "/model"),
        (200, "/ready"),
        (200, "/openapi.json"),
        (200, "/metrics"),
    ]
    links.first.click()
    page.wait_for_url(f"{published.url}/docs")
    expect(page.locator("#operations-prediction-predict")).to_be_visible()


def test_redirects_stay_under_the_prefix(published: Published) -> None:
    client = published.client
    answers = [client.get(f"{PREFIX}{path}", follow_redirects=True) for path in ("", "/", "/docs/")]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert str(answers[2].url) == f"{published.url}/docs"
    for answer in answers:
        for redirect in answer.history:
            assert not urlsplit(redirect.headers["location"]).netloc, "relative: right for every scheme and host"
    assert client.post(f"{PREFIX}/predict/", json=ONE).status_code == 200
    assert client.get("/riskier").status_code == client.get("/predict").status_code == 503, "not the service's"


def test_the_servers_of_the_document_lead_through_the_proxy(published: Published) -> None:
    document = published.client.get(f"{PREFIX}/openapi.json")

    for server in document.json()["servers"]:
        address = urljoin(str(document.url), server["url"]).rstrip("/")
        assert address == published.url
    assert "/predict" in document.json()["paths"]


def test_problem_documents_name_the_published_path(published: Published) -> None:
    for path, method in (("/nowhere", "GET"), ("/predict", "DELETE"), ("/predict", "POST"), ("/predict/", "DELETE")):
        problem = published.client.request(method, f"{PREFIX}{path}", content=b"{")
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["instance"] == f"{PREFIX}{path.rstrip('/')}"
        assert problem.json()["request_id"] == problem.headers["x-request-id"]
    unknown = published.client.get(f"{PREFIX}/v2/models/other")
    assert (unknown.status_code, list(unknown.json())) == (404, ["error"]), "the format of the protocol"


def test_the_request_id_is_the_clients_or_the_proxys(published: Published) -> None:
    sent = published.client.post(f"{PREFIX}/predict", json=ONE, headers={"X-Request-ID": "ward-7"})
    made = [published.client.post(f"{PREFIX}/predict", json=ONE) for _ in range(2)]

    assert sent.headers.get_list("x-request-id") == ["ward-7"]
    assert sent.json()["request_id"] == "ward-7"
    ids = {answer.headers["x-request-id"] for answer in made}
    assert len(ids) == 2
    assert all(len(found.split("-")) == 5 for found in ids), "a UUID with dashes: HAProxy's"


def test_the_metrics_have_the_routes_without_the_prefix(published: Published) -> None:
    published.client.post(f"{PREFIX}/predict", json=ONE)

    metrics = published.client.get(f"{PREFIX}/metrics").text
    assert 'route="/predict",status="200"' in metrics
    assert PREFIX not in metrics


def test_keys_and_rate_limit_hold_behind_a_proxy_for_each_of_its_clients(
    tmp_path: Path,
) -> None:
    limit = {"RATE_LIMIT_PER_SECOND": "0.001", "RATE_LIMIT_BURST": "2", "API_KEYS": f"ward:{hash_key(KEY)}"}
    with ExitStack() as stack:
        guarded = stack.enter_context(running_api(tmp_path, "http://127.0.0.1:9", ROOT_PATH=PREFIX, **limit))
        server = urlsplit(guarded.url).netloc
        proxy = stack.enter_context(running_haproxy(tmp_path, server, strips_prefix=True))

        def statuses(address: str) -> list[int]:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(base_url=proxy.http, transport=transport) as client:
                return [
                    client.post(f"{PREFIX}/predict", json=ONE, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
                    for n in range(3)
                ]

        assert statuses("127.0.0.2") == [401, 401, 429], "what a client says of its own address is not believed"
        assert statuses("127.0.0.3") == [401, 401, 429], "another client has its own limit"
