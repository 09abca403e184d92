"""The file with which another machine joins, and what it has in common with both configurations of HAProxy."""

import io
import re
import ssl
import tarfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from infra.local.settings import ROOT
from infra.secrets.distribute import AUDIENCES
from infra.secrets.generate import generate
from infra.secrets.join import ROUTES, WORKER, authority, join_file, write_server
from tests.support.overlays import JOINED, overlay


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate(tmp_path)
    return tmp_path


def unpacked(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive}
        return {name: file.read() for name, file in files.items() if file}


def test_the_file_has_the_secrets_of_a_worker_and_no_other(folder: Path) -> None:
    files = unpacked(join_file(folder, "192.0.2.1:7443"))
    assert set(WORKER) == {*AUDIENCES["airflow-worker"], *AUDIENCES["valkey"]}
    assert files.keys() == {f"worker/{name}" for name in WORKER} | {
        "link/haproxy.cfg",
        "link/ca.pem",
        "link/client.pem",
    }
    others = {path for path in folder.iterdir() if path.name not in WORKER and path.name != "join_authority.pem"}
    everything = b"".join(files.values())
    assert len(others) > 10
    assert [path.name for path in others if path.read_bytes() in everything] == []
    assert b"".join((folder / "join_authority.pem").read_bytes().partition(b"-----BEGIN PRIVATE")[1:]) not in everything


def test_certificates_are_of_one_authority_which_is_created_once(folder: Path) -> None:
    first = authority(folder)[0]
    write_server(folder, folder)
    client = unpacked(join_file(folder, "192.0.2.1:7443"))["link/client.pem"]
    server = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    assert authority(folder)[0] == first
    for certificate in (server, x509.load_pem_x509_certificate(client)):
        certificate.verify_directly_issued_by(first)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == ROUTES.keys()
    ssl.create_default_context().load_cert_chain(folder / "server.pem")
    assert isinstance(first.public_key(), ec.EllipticCurvePublicKey)
    assert (folder / "join_authority.pem").stat().st_mode & 0o777 == 0o400


def test_every_route_is_on_both_machines(folder: Path) -> None:
    given = (ROOT / "infra" / "haproxy" / "join.cfg").read_text()
    assert {name: int(port) for name, port in re.findall(r"server only (\S+):(\d+)", given)} == ROUTES
    assert set(re.findall(r"^backend (\S+)", given, re.M)) - {"apiserver"} == ROUTES.keys()
    taken = unpacked(join_file(folder, "192.0.2.1:7443"))["link/haproxy.cfg"].decode()
    listening = re.findall(r"listen (\S+)\n    bind :(\d+)\n    server first 192.0.2.1:7443 sni str\((\S+)\)", taken)
    assert {name: int(port) for name, port, _ in listening} == ROUTES
    assert [name for name, _, greeting in listening if name != greeting] == []
    aliases = overlay(JOINED)["services"]["link"]["networks"]["worker"]["aliases"]
    assert {*aliases} == ROUTES.keys()


def test_both_ends_want_a_certificate_of_the_other(folder: Path) -> None:
    (bound,) = re.findall(r"bind :7443 .*", (ROOT / "infra" / "haproxy" / "join.cfg").read_text())
    taken = unpacked(join_file(folder, "192.0.2.1:7443"))["link/haproxy.cfg"].decode()
    for text in (bound, *re.findall(r"default-server .*", taken)):
        assert {"verify required", "ssl-min-ver TLSv1.3"} <= {*re.findall(r"verify required|ssl-min-ver TLSv1.3", text)}
