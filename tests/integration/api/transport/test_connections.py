"""Connections of a real process: upgrades that are ignored, slow and large headers, idle time."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api

BODY = b'{"records": [{}]}'
PREDICT = b"POST /predict HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)
WEBSOCKET = (
    b"GET /health HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
JAVA = """
import java.net.URI;
import java.net.http.*;
public class Client {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 2; i++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0] + "/predict"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\\"records\\": [{}]}")).build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version() + " " + response.body());
        }
    }
}
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    folder = tmp_path_factory.mktemp("api")
    with running_registry() as registry:
        registry.promote("1", write_bundle(folder / "1"))
        settings = {"HEADER_TIMEOUT_SECONDS": "1", "KEEP_ALIVE_SECONDS": "2"}
        with running_api(folder, registry.url, **settings) as process:
            process.wait_until_ready()
            yield process


def connect(api: ApiProcess) -> socket.socket:
    url = httpx.URL(api.url)
    return socket.create_connection((url.host, url.port or 80), timeout=20)


def exchange(api: ApiProcess, *parts: bytes) -> bytes:
    """Send the parts in packets of their own; returns all that is answered until the service closes the connection."""
    with closing(connect(api)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.02)  # lets the packet go, so that the service reads it by itself
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(
    "parts",
    [
        (PREDICT + H2C + LENGTH + BODY,),
        (PREDICT + H2C + LENGTH, BODY),
        (PREDICT + H2C[:40], H2C[40:] + LENGTH + BODY[:4], BODY[4:]),
        (PREDICT + H2C + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),),
        (PREDICT + H2C.replace(b"h2c", b"websocket") + LENGTH + BODY,),
        (PREDICT + b"Connection: keep-alive\r\n" + H2C + LENGTH + BODY,),
    ],
    ids=["one packet", "body apart", "three packets", "chunked", "websocket", "two Connection headers"],
)
def test_a_body_with_an_upgrade_is_scored_over_http_1_1(api: ApiProcess, parts: tuple[bytes, ...]) -> None:
    answer = exchange(api, *parts)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"predictions":[' in answer


def test_requests_after_an_upgrade_are_answered_on_the_same_connection(api: ApiProcess) -> None:
    answer = exchange(api, (PREDICT + H2C + LENGTH + BODY) * 2 + WEBSOCKET * 1_000)

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1_002


def test_an_upgrade_with_close_closes_the_connection(api: ApiProcess) -> None:
    began = time.monotonic()
    answer = exchange(api, PREDICT + H2C.replace(b"HTTP2-Settings\r", b"HTTP2-Settings, close\r") + LENGTH + BODY)

    assert b"connection: close\r\n" in answer
    assert time.monotonic() - began < 2  # not the idle time


def test_a_websocket_is_answered_as_a_plain_request(api: ApiProcess) -> None:
    assert exchange(api, WEBSOCKET).startswith(b"HTTP/1.1 200 OK\r\n")
    assert exchange(api, WEBSOCKET.replace(b"/health", b"/predict")).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([b"CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\n\r\n"], 400),
        ([b"\x16\x03\x01\x00 TLS\r\n\r\n"], 400),
        ([b"GET / HTTP/1.1\r\nHost: api\r\n"], 408),
        ([b"\r\n"], 408),
        ([b"GET /health HTTP/1.1\r\nHost: api\r\n\r\n", b"GET /health HTTP/1.1\r\n"], 408),
        ([b"GET / HTTP/1.1\r\n", *[b"X: " + b"x" * 40_000 + b"\r\n"] * 2], 431),
    ],
    ids=["CONNECT", "not HTTP", "slow", "only line ends", "slow after a request", "large"],
)
def test_what_never_becomes_a_request_gets_a_problem_document(api: ApiProcess, parts: list[bytes], status: int) -> None:
    head, _, problem = exchange(api, *parts).rpartition(b"\r\n\r\n")

    assert b"HTTP/1.1 %d " % status in head
    assert b"content-type: application/problem+json" in head
    assert b'"status":%d' % status in problem


def test_an_unused_connection_is_closed_after_the_idle_time(api: ApiProcess) -> None:
    began = time.monotonic()

    assert exchange(api) == b""
    assert time.monotonic() - began > 1.5


def test_an_answered_request_may_send_its_large_body_to_the_end(api: ApiProcess) -> None:
    wrong = PREDICT.replace(b"application/json", b"text/html")
    body = [b" " * 50_000] * 4

    answer = exchange(api, wrong + b"Content-Length: 200000\r\n\r\n", *body, b"GET /health HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1


def test_a_body_that_ends_after_its_answer_leaves_the_connection_open_for_the_next_request(api: ApiProcess) -> None:
    rest = b" " * 200_000
    with closing(connect(api)) as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: api\r\nContent-Length: %d\r\n\r\n" % len(rest))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 404 ")
        connection.sendall(rest)
        time.sleep(1.2)  # longer than the limit for headers, shorter than the idle time
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
        assert b"".join(iter(lambda: connection.recv(65_536), b"")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_curl_with_http2_is_answered(api: ApiProcess) -> None:
    command = ["curl", "--silent", "--fail", "--http2", f"{api.url}/predict", "--json", BODY.decode()]

    ended = subprocess.run(command, capture_output=True, timeout=30, check=False)

    assert (ended.returncode, b'"predictions":[' in ended.stdout) == (0, True)


@pytest.mark.skipif(shutil.which("javac") is None, reason="the JDK is missing")
def test_the_http_client_of_java_is_answered(api: ApiProcess, tmp_path: Path) -> None:
    source = tmp_path / "Client.java"
    source.write_text(JAVA)

    ended = subprocess.run(["java", str(source), api.url], capture_output=True, text=True, timeout=120, check=False)

    assert ended.stdout.count("200 HTTP_1_1 {") == 2, ended.stderr
