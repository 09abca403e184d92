"""The gateway as docker-compose.gateway.yml starts it: its own command and Caddyfile, with other addresses."""

import http.client
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port, http_probe
from tests.integration.api.conftest import eventually
from tests.support.overlays import GATEWAY, overlay
from tests.support.programs import required

CADDYFILE = ROOT / "infra" / "gateway" / "Caddyfile"
USER, PASSWORD = "platform", "password of the tests"
UPSTREAM = re.compile(r"reverse_proxy ([a-z-]+):\d+")


class Recorder(ThreadingHTTPServer):
    """Stands where a page would be, and records the requests that reach it: path and headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, Mapping[str, str]]] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.received.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """No line per request."""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: http.client.HTTPMessage = field(default_factory=http.client.HTTPMessage)
    body: bytes = b""


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    host: str
    port: int
    authority: Path
    """The certificate that browsers must trust."""

    @property
    def url(self) -> str:
        """Its address in a browser."""
        return f"https://{self.host}:{self.port}"

    def send(self, target: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
        """Send a request as it is written, on a connection of its own; ``_`` in a name of a header is ``-``."""
        given = {"Host": f"{self.host}:{self.port}", "Content-Length": str(len(body)), "Connection": "close"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", body]
        with self.connect() as connection:
            connection.sendall("\r\n".join(lines).encode())
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return Answer(answer.status, answer.headers, b"" if answer.status == 101 else answer.read())

    @contextmanager
    def connect(self, context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
        """A TLS connection that trusts the gateway's authority only."""
        context = context or ssl.create_default_context(cafile=self.authority)
        with (
            socket.create_connection(("127.0.0.1", self.port), 30) as plain,
            context.wrap_socket(plain, server_hostname=self.host) as connection,
        ):
            yield connection


def command(folder: Path) -> list[str]:
    """The command of the container, with the paths of the test."""
    *shell, script = overlay(GATEWAY)["services"]["gateway"]["entrypoint"]
    for documented, ours in (("/run/secrets", folder), ("/etc/caddy", folder), ("$$", "$")):
        assert documented in script
        script = script.replace(documented, str(ours))
    return [*shell, script]


@contextmanager
def running_gateway(folder: Path, upstreams: Mapping[str, str], host: str = "localhost") -> Iterator[Gateway]:
    """Start the gateway before these addresses, by service of Compose; it ends with the context."""
    required("caddy", package="caddy")
    port, health = free_port(), f"127.0.0.1:{free_port()}"
    text = CADDYFILE.read_text()
    assert upstreams.keys() == set(UPSTREAM.findall(text))
    for documented, ours in (("https_port 8443", f"https_port {port}"), ("127.0.0.1:8080", health)):
        assert text.count(documented) == 1, documented
        text = text.replace(documented, ours)
    (folder / "Caddyfile").write_text(UPSTREAM.sub(lambda found: f"reverse_proxy {upstreams[found[1]]}", text))
    (folder / "gateway_password").write_text(PASSWORD)
    own = {"GATEWAY_HOST": host, "GATEWAY_TLS": "internal", "GATEWAY_USER": USER}
    own |= {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    gateway = Gateway(host, port, folder / "caddy" / "pki" / "authorities" / "local" / "root.crt")
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command(folder), env=os.environ | own, stdout=log, stderr=log)
        try:
            is_healthy = http_probe(f"http://{health}")
            eventually(lambda: process.poll() is not None or (is_healthy(0) and _has_certificate(gateway)))
            assert process.poll() is None, (folder / "caddy.log").read_text()[-2000:]
            yield gateway
        finally:
            process.terminate()
            process.wait(20)


def _has_certificate(gateway: Gateway) -> bool:
    try:
        with gateway.connect():
            return True
    except OSError:
        return False
