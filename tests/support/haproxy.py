"""HAProxy with the configuration of docs/api.md, and with that of docker-compose.scale.yml."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from infra.local.settings import ROOT
from infra.local.supervision.probes import free_port
from tests.integration.api.conftest import eventually
from tests.support.programs import required

BALANCER = ROOT / "infra" / "haproxy" / "haproxy.cfg"
STRIPS = re.compile(r"^ +http-request replace-path .*\n", re.M)


@dataclass(frozen=True)
class Proxy:
    """The addresses of a running proxy."""

    http: str
    https: str


def configuration() -> str:
    """The configuration that the guide gives."""
    (found,) = re.findall(r"```haproxy\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.S)
    return str(found)


@contextmanager
def running_haproxy(folder: Path, server: str, *, strips_prefix: bool) -> Iterator[Proxy]:
    """Start HAProxy in front of `server` (``host:port``) on free ports of 127.0.0.1; it ends with the context."""
    certificate = write_certificate(folder / "intranet.pem")
    plain, tls = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    text = configuration() if strips_prefix else STRIPS.sub("", configuration())
    for documented, ours in (
        ("bind :80\n", f"bind {plain}\n"),
        ("bind :443 ", f"bind {tls} "),
        ("/etc/haproxy/intranet.pem", str(certificate)),
        ("127.0.0.1:8000", server),
    ):
        assert text.count(documented) == 1, documented
        text = text.replace(documented, ours)
    with running_configuration(folder, text, f"http://{plain}"):
        yield Proxy(f"http://{plain}", f"https://{tls}")


@contextmanager
def running_balancer(folder: Path, names: str, port: int) -> Iterator[str]:
    """Start HAProxy with the configuration of docker-compose.scale.yml; yields its URL.

    Args:
        folder: of its configuration and log.
        names: ``host:port`` of the DNS server that knows the replicas.
        port: of the replicas.
    """
    address, health = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    text = BALANCER.read_text()
    for documented, ours, times in (
        ("bind :8000", f"bind {address}", 1),
        ("127.0.0.1:8404", health, 1),
        ("127.0.0.11:53", names, 1),
        ("api-replicas:8000", f"api-replicas:{port}", 2),
    ):
        assert text.count(documented) == times, documented
        text = text.replace(documented, ours)
    with running_configuration(folder, text, f"http://{health}"):
        yield f"http://{address}"


@contextmanager
def running_configuration(folder: Path, configuration: str, health: str) -> Iterator[None]:
    """Start HAProxy with a configuration, and wait until it answers at the URL `health`."""
    program = required("haproxy", package="haproxy")
    config = folder / "haproxy.cfg"
    config.write_text(configuration)
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([program, "-db", "-f", str(config)], stdout=log, stderr=log)
        try:
            eventually(lambda: _answers(health) or process.poll() is not None)
            assert process.poll() is None, (folder / "haproxy.log").read_text()[-2000:]
            yield
        finally:
            process.terminate()
            process.wait(20)


def write_certificate(path: Path) -> Path:
    """A self-signed certificate with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=1)
    except httpx.TransportError:
        return False
    return True
