"""Replicas of the API behind HAProxy, as docker-compose.scale.yml has them, as processes of this machine.

Each replica has its own loopback address and all have one port, as containers have. They share a model cache, as they
share a volume. A small DNS server gives the addresses, as Docker's does.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from infra.local.supervision.probes import free_port
from tests.integration.api.conftest import eventually
from tests.integration.api.process import ApiProcess, running_api
from tests.support.haproxy import running_balancer

_OPEN = "/version"
"""A route without rate limit that the health checks of HAProxy do not use."""
_HEADER = struct.Struct(">6H")
_ADDRESS = struct.Struct(">HHHIH4s")
_A, _IN, _ANSWER, _THE_NAME_ASKED = 1, 1, 0x8180, 0xC00C


class Names(socketserver.UDPServer):
    """A DNS server that has the same IPv4 addresses for every name."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.addresses: list[str] = []

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve while the context lasts; yields host and port."""
        thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield "{}:{}".format(*self.server_address)
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(socketserver.BaseRequestHandler):
    server: Names

    def handle(self) -> None:
        query, answering = self.request
        question = query[_HEADER.size : query.index(b"\0", _HEADER.size) + 5]
        found = list(self.server.addresses) if question.endswith(struct.pack(">HH", _A, _IN)) else []
        (number, *_) = _HEADER.unpack_from(query)
        head = _HEADER.pack(number, _ANSWER, 1, len(found), 0, 0)
        records = (_ADDRESS.pack(_THE_NAME_ASKED, _A, _IN, 0, 4, socket.inet_aton(address)) for address in found)
        answering.sendto(head + question + b"".join(records), self.client_address)


class Replicas:
    """The replicas and the address of HAProxy."""

    def __init__(self, folder: Path, mlflow: str, stack: ExitStack, settings: dict[str, str]) -> None:
        self.names = Names()
        self.port = free_port()
        names = stack.enter_context(self.names.running())
        self.url = stack.enter_context(running_balancer(folder, names, self.port))
        self.running: list[ApiProcess] = []
        self._folder, self._mlflow, self._stack, self._settings = folder, mlflow, stack, settings
        self._started = 0

    def add(self, count: int = 1) -> list[ApiProcess]:
        """Start replicas, each with a new address."""
        return [self._start() for _ in range(count)]

    def end(self, replica: ApiProcess, number: int) -> None:
        """Send a signal; the name is gone when the process has ended, as Docker does it."""
        replica.process.send_signal(number)
        replica.process.wait(60)
        self.running.remove(replica)
        self.names.addresses.remove(_host(replica))

    def wait_until_all_are_used(self) -> None:
        """Wait until HAProxy finds a replica ready, and sends requests to each of them."""
        eventually(lambda: httpx.get(f"{self.url}/ready").status_code == 200)

        def are_used() -> bool:
            httpx.get(self.url + _OPEN)
            return all(answered(replica, _OPEN) for replica in self.running)

        eventually(are_used)

    def _start(self) -> ApiProcess:
        self._started += 1
        host = f"127.0.0.{10 + self._started}"
        running = running_api(self._folder, self._mlflow, host=host, port=self.port, **self._settings)
        replica = self._stack.enter_context(running)
        self.running.append(replica)
        self.names.addresses.append(host)
        return replica


@contextmanager
def running_replicas(folder: Path, mlflow: str, count: int, **settings: str) -> Iterator[Replicas]:
    """Start so many replicas behind HAProxy; all end with the context."""
    with ExitStack() as stack:
        replicas = Replicas(folder, mlflow, stack, settings)
        replicas.add(count)
        yield replicas


def answered(replica: ApiProcess, route: str = "/predict") -> float:
    """Requests of a route that a replica has answered with 200, on any way to it."""
    part = f'route="{route}",status="200"'
    lines = replica.client.get("/metrics").text.splitlines()
    counts = (line for line in lines if line.startswith("api_request_duration_seconds_count") and part in line)
    return sum(float(line.rpartition(" ")[2]) for line in counts)


def _host(replica: ApiProcess) -> str:
    return str(replica.client.base_url.host)
