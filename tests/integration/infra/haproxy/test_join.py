"""Both ends of the port for other machines, as two processes of HAProxy before a server that repeats what it gets."""

import contextlib
import io
import socket
import socketserver
import ssl
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port
from infra.secrets.generate import generate
from infra.secrets.join import issue, join_file, write_server
from tests.support.haproxy import running_configuration

ANSWER = b"-NOAUTH valkey got PING"


@dataclass(frozen=True)
class Ends:
    """Ports of both ends, and the folder with the unpacked join file."""

    join: int
    valkey: int
    link: Path
    health: str
    """Address of the health of the other machine's end."""


class Repeat(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"-NOAUTH valkey got " + self.request.recv(100))


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    folder, first, second = (tmp_path_factory.mktemp(name) for name in ("secrets", "first", "second"))
    generate(folder)
    write_server(folder, first)
    join, valkey, *health = (free_port() for _ in range(4))
    with tarfile.open(fileobj=io.BytesIO(join_file(folder, f"127.0.0.1:{join}"))) as archive:
        archive.extractall(second, filter="data")
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Repeat)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    given = (ROOT / "infra" / "haproxy" / "join.cfg").read_text()
    for documented, ours in (
        (":7443", f"127.0.0.1:{join}"),
        ("/run/secrets-join", str(first)),
        ("valkey:6379", f"127.0.0.1:{server.server_address[1]}"),
        ("127.0.0.1:8404", f"127.0.0.1:{health[0]}"),
    ):
        given = given.replace(documented, ours)
    taken = (second / "link" / "haproxy.cfg").read_text().replace(" /link/", f" {second}/link/")
    taken = taken.replace("127.0.0.1:8404", f"127.0.0.1:{health[1]}").replace("bind :6379", f"bind 127.0.0.1:{valkey}")
    for port in (8080, 5432, 5000, 5557, 8000):
        taken = taken.replace(f"bind :{port}", f"bind 127.0.0.1:{free_port()}")
    try:
        with (
            running_configuration(first, given, f"http://127.0.0.1:{health[0]}"),
            running_configuration(second, taken, f"http://127.0.0.1:{health[1]}"),
        ):
            yield Ends(join, valkey, second / "link", f"http://127.0.0.1:{health[1]}")
    finally:
        server.shutdown()
        server.server_close()


def test_the_name_on_the_other_machine_leads_to_the_service_of_the_first(ends: Ends) -> None:
    with socket.create_connection(("127.0.0.1", ends.valkey), 10) as link:
        link.sendall(b"PING")
        assert link.recv(100) == ANSWER


def test_the_other_machine_is_healthy_while_valkey_answers_it(ends: Ends) -> None:
    assert httpx.get(ends.health).status_code == 200


@pytest.mark.parametrize("certificate", ["none", "of another installation"])
def test_a_client_without_a_certificate_of_this_installation_is_refused(
    ends: Ends, certificate: str, tmp_path: Path
) -> None:
    context = ssl.create_default_context(cafile=ends.link / "ca.pem")
    if certificate != "none":
        (tmp_path / "client.pem").write_bytes(issue(tmp_path, ("worker",), ExtendedKeyUsageOID.CLIENT_AUTH))
        context.load_cert_chain(tmp_path / "client.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(ends, context)


def test_a_joined_machine_reaches_only_what_has_a_route(ends: Ends) -> None:
    context = ssl.create_default_context(cafile=ends.link / "ca.pem")
    context.load_cert_chain(ends.link / "client.pem")
    assert ask(ends, context) == ANSWER
    context.check_hostname = False
    with contextlib.suppress(OSError):
        assert ask(ends, context, "airflow-scheduler") == b""


def test_one_address_cannot_take_all_connections(ends: Ends) -> None:
    """Connections that never begin their TLS handshake."""
    context = ssl.create_default_context(cafile=ends.link / "ca.pem")
    context.load_cert_chain(ends.link / "client.pem")
    with contextlib.ExitStack() as silent:
        for _ in range(210):
            with contextlib.suppress(ConnectionError):  # those beyond the limit
                silent.enter_context(socket.create_connection(("127.0.0.1", ends.join), 10))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(ends, context)
        assert ask(ends, context, source="127.0.0.2") == ANSWER


def test_a_joined_machine_reaches_of_airflow_what_tasks_call_and_no_login(ends: Ends) -> None:
    context = ssl.create_default_context(cafile=ends.link / "ca.pem")
    context.load_cert_chain(ends.link / "client.pem")
    found = {
        path: ask(ends, context, "airflow-apiserver", f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())[:12]
        for path in ("/auth/token", "/api/v2/dags", "/", "/execution/task")
    }
    assert found.pop("/execution/task") == b"HTTP/1.1 503", "there is no API server here"
    assert set(found.values()) == {b"HTTP/1.1 403"}


def test_a_new_authority_shuts_out_the_files_of_the_former_one(tmp_path: Path) -> None:
    folder, server = tmp_path / "all", tmp_path / "server"
    server.mkdir()
    generate(folder)
    write_server(folder, server)
    former = (server / "ca.pem").read_text()
    (folder / "join_authority.pem").unlink()
    write_server(folder, server)
    assert (server / "ca.pem").read_text() != former


def ask(
    ends: Ends, context: ssl.SSLContext, name: str = "valkey", text: bytes = b"PING", source: str = "127.0.0.1"
) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", ends.join), 10, (source, 0)) as plain,
        context.wrap_socket(plain, server_hostname=name) as link,
    ):
        link.sendall(text)
        return link.recv(100)
