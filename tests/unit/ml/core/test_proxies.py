"""Clients reach services without a proxy, and other hosts through it: urllib, requests and httpx decide alike."""

import os
import urllib.request

import httpx
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.proxies import bypass_proxy

PROXY = "http://127.0.0.1:9"
SERVICE = "http://mlflow:5000"
EXEMPT = ("http://localhost:8000", "http://127.0.0.1:8080", SERVICE)
OUTSIDE = "https://archive.ics.uci.edu"
HOSTS = st.sampled_from(["intranet.example", ".example.org", "10.0.0.7", "localhost", " spaces.example ", ""])


def is_exempt(url: str) -> list[bool]:
    host = str(httpx.URL(url).host)
    with httpx.Client(verify=False) as client:  # noqa: S501 - sends nothing; certificates take long to load
        transport = client._transport_for_url(httpx.URL(url))
        direct = transport is client._transport
    return [
        bool(urllib.request.proxy_bypass(host)),
        bool(requests.utils.should_bypass_proxies(url, no_proxy=None)),
        direct,
    ]


@pytest.fixture(autouse=True)
def _proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, PROXY)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")


def test_without_it_every_client_uses_the_proxy() -> None:
    assert not any(is_exempt(SERVICE))


@settings(max_examples=40)
@given(lower=st.lists(HOSTS), upper=st.lists(HOSTS))
def test_services_are_exempt_and_other_hosts_are_not(lower: list[str], upper: list[str]) -> None:
    os.environ.update({"no_proxy": ",".join(lower), "NO_PROXY": ",".join(upper)})
    bypass_proxy(SERVICE)
    bypass_proxy(SERVICE)
    assert all(all(is_exempt(url)) for url in EXEMPT)
    assert not any(is_exempt(OUTSIDE))
    hosts = os.environ["NO_PROXY"].split(",")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"]
    assert len(hosts) == len(set(hosts))
    assert {host.strip() for host in lower + upper} - {""} <= set(hosts)


def test_a_machine_without_any_proxy_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "intranet.example,*")
    bypass_proxy(SERVICE)
    assert all(is_exempt(OUTSIDE))
