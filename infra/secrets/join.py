"""Lets another machine join: certificates for mutual TLS, and the file with all that the machine needs.

``docker compose run --rm -T secrets python -m infra.secrets.join > join.tar`` (docs/scaling.md).
"""

import io
import os
import sys
import tarfile
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from infra.secrets.certificates import DAYS_OF_AUTHORITY, key_pem, pem, sign
from ml.core.names import PUBLIC_KEYS
from ml.core.signing.keys import replace_file

ROUTES: Final = {
    "valkey": 6379,
    "airflow-apiserver": 8080,
    "postgres": 5432,
    "mlflow": 5000,
    "locust": 5557,
    "api": 8000,
}
"""Services that workers reach, by the names of the first machine."""
WORKER: Final = ("diabetes_db_password", "prediction_log_key", PUBLIC_KEYS, "valkey_password")

_SETTINGS: Final = """\
global
    log stdout format raw daemon notice
    maxconn 500

defaults
    log global
    mode tcp
    timeout connect 10s
    timeout client 2h
    timeout server 2h
    option srvtcpka
    srvtcpka-idle 30s
    srvtcpka-intvl 10s
    srvtcpka-cnt 3
    default-server ssl crt /link/client.pem ca-file /link/ca.pem verify required ssl-min-ver TLSv1.3

frontend health
    mode http
    bind 127.0.0.1:8404
    monitor-uri /
    monitor fail if { nbsrv(valkey) eq 0 }
"""
_ROUTE: Final = """
listen {name}
    bind :{port}
    server first {address} sni str({name}) verifyhost {name}{check}
"""
_CHECK: Final = """ check check-sni valkey inter 10s
    option tcp-check
    tcp-check send PING\\r\\n
    tcp-check expect string NOAUTH
"""
"""Valkey answers, so the port of the first machine has accepted the certificate."""


def authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The certificate authority of this installation and its key, which are created at the first call."""
    file = folder / "join_authority.pem"
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = sign("readmission-platform", key, key, None, days=DAYS_OF_AUTHORITY)
        replace_file(file, (pem(certificate) + key_pem(key)).decode(), 0o400)
    content = file.read_bytes()
    loaded = serialization.load_pem_private_key(content, None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{file} has another kind of key")
    return x509.load_pem_x509_certificate(content), loaded


def issue(folder: Path, names: tuple[str, ...], usage: x509.ObjectIdentifier) -> bytes:
    """A new certificate of the authority with its key, as HAProxy reads them."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, issuer_key = authority(folder)
    return pem(sign(names[0], key, issuer_key, issuer, names=names, usage=usage)) + key_pem(key)


def write_server(folder: Path, target: Path) -> None:
    """Certificate of the service ``join`` for every route; a new one at each start."""
    replace_file(target / "ca.pem", pem(authority(folder)[0]).decode(), 0o444)
    replace_file(target / "server.pem", issue(folder, tuple(ROUTES), ExtendedKeyUsageOID.SERVER_AUTH).decode(), 0o444)


def join_file(folder: Path, address: str) -> bytes:
    """A tar archive: ``link`` for HAProxy on the other machine, ``worker`` with the secrets of a worker."""
    routes = "".join(
        _ROUTE.format(name=name, port=port, address=address, check=_CHECK if name == "valkey" else "")
        for name, port in ROUTES.items()
    )
    files = {
        "link/haproxy.cfg": (_SETTINGS + routes).encode(),
        "link/ca.pem": pem(authority(folder)[0]),
        "link/client.pem": issue(folder, ("worker",), ExtendedKeyUsageOID.CLIENT_AUTH),
        **{f"worker/{name}": (folder / name).read_bytes() for name in WORKER},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o444
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def main() -> None:
    """Write the join file to the standard output."""
    address = os.environ.get("JOIN_ADDRESS", "")
    if not address:
        sys.exit("JOIN_ADDRESS is empty: set it in .env to the address of this machine, and run docker compose up -d.")
    if sys.stdout.isatty():
        sys.exit("The join file holds secrets: redirect the output to a file, as in > join.tar")
    sys.stdout.buffer.write(join_file(Path("/secrets/all"), f"{address}:{os.environ.get('JOIN_PORT') or 7443}"))


if __name__ == "__main__":
    main()
