"""Hostile requests arrive among good ones: each gets its refusal, the good ones their answers, in flat memory."""

import gzip
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.conftest import StartApi
from tests.faults.load import Load
from tests.faults.models import Models
from tests.faults.servers import MlflowServer
from tests.faults.watching import peak_bytes
from tests.integration.api.process import ApiProcess

JSON: Final = "application/json"
BODIES: Final = [
    ("NaN", b'{"records": [{"number_inpatient": NaN}]}', {}, 400),
    ("Infinity", b'{"records": [{"number_inpatient": -Infinity}]}', {}, 400),
    ("huge integer", b'{"records": [{"number_inpatient": ' + b"9" * 4_000 + b"}]}", {}, 422),
    ("deep", b'{"records": ' + b'[{"a":' * 500_000, {}, 400),
    ("twice the same key", b'{"records": [{"race": "Asian", "race": 3}]}', {}, 422),
    ("records twice", b'{"records": [{}], "records": [{"race": "Martian"}]}', {}, 422),
    ("a million records", b'{"records": [' + b"{}," * 999_999 + b"{}]}", {}, 422),
    ("utf-16", '{"records": [{}]}'.encode("utf-16"), {}, 400),
    ("latin-1", '{"records": [{"race": "\xe9"}]}'.encode("latin-1"), {}, 400),
    ("declared latin-1", b'{"records": [{}]}', {"Content-Type": f"{JSON}; charset=latin-1"}, 415),
    ("a bomb", gzip.compress(b" " * 100_000_000), {"Content-Encoding": "gzip"}, 413),
    ("not gzip", b'{"records": [{}]}', {"Content-Encoding": "gzip"}, 400),
    ("brotli", b'{"records": [{}]}', {"Content-Encoding": "br"}, 415),
    ("a pickle", b"\x80\x04.", {"Content-Type": "application/python-pickle"}, 415),
    ("100 megabytes", b" " * 100_000_000, {}, 413),
]


@pytest.fixture
def api(mlflow: MlflowServer, models: Models, first: str, start_api: StartApi) -> ApiProcess:
    """The service with its bounds as they are by default, save that it waits for bodies but briefly."""
    models.promote(first)
    api = start_api(mlflow.url, BODY_TIMEOUT_SECONDS="2")
    api.wait_until_ready()
    return api


def test_hostile_requests_get_their_refusal_and_good_ones_their_answers(api: ApiProcess, models: Models) -> None:
    with Load(api.url, models.truth) as load, ThreadPoolExecutor(4) as pool:
        warm = [pool.submit(post, api, body, headers) for _, body, headers, _ in BODIES]
        assert [answer.result().status_code for answer in warm] == [status for *_, status in BODIES]
        memory = peak_bytes(api)
        for _ in range(2):
            again = [pool.submit(post, api, body, headers) for _, body, headers, _ in BODIES]
            assert [answer.result().status_code for answer in again] == [status for *_, status in BODIES]
            assert post(api, _megabytes(100), {}).status_code == 413

    load.assert_flawless()
    assert peak_bytes(api) - memory < 50_000_000


def test_bodies_that_trickle_are_given_up(api: ApiProcess, models: Models) -> None:
    with Load(api.url, models.truth) as load, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(trickle, [api.url] * 20))

    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    load.assert_flawless()


def post(api: ApiProcess, body: bytes | Iterator[bytes], headers: dict[str, str]) -> httpx.Response:
    """Send a body; what is refused as a whole may be answered before all of it was sent."""
    response = httpx.post(f"{api.url}/predict", content=body, headers={"Content-Type": JSON} | headers, timeout=60)
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 20_000
    return response


def trickle(url: str) -> bytes:
    """Send a byte of a body each half second until there is an answer."""
    address = urlsplit(url)
    head = f"POST /predict HTTP/1.1\r\nHost: api\r\nContent-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=0.5) as connection:
        connection.sendall(head.encode())
        for _ in range(30):
            connection.sendall(b"{")
            try:
                return connection.recv(65_536)
            except TimeoutError:
                continue
    return b"no answer"


def _megabytes(count: int) -> Iterator[bytes]:
    return (b" " * 1_000_000 for _ in range(count))
