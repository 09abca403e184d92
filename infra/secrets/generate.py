"""Generates missing secrets, one file each; existing ones are never overwritten."""

import base64
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.secrets.certificates import shared_certificate
from ml.core.names import DASK_CERTIFICATE, PUBLIC_KEYS, SIGNING_KEY
from ml.core.signing.keys import complete_pair, new_signing_key


def password() -> str:
    """Generate a password that needs no quoting in a URL."""
    return secrets.token_urlsafe(24)


SUPERUSERS: Final = ("postgres_password", "mlflow_postgres_password")
FERNET_KEY: Final = "airflow_fernet_key"
"""While it is rotated the file has the new key, a comma and the former one, which Airflow understands."""

SECRETS: dict[str, Callable[[], str]] = {
    **dict.fromkeys(SUPERUSERS, password),
    "postgres_monitor_password": password,
    "mlflow_postgres_monitor_password": password,
    "airflow_db_password": password,
    "diabetes_db_password": password,
    "api_db_password": password,
    "mlflow_db_password": password,
    "prediction_log_key": password,
    FERNET_KEY: lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "airflow_api_secret_key": password,
    "airflow_exporter_password": password,
    "airflow_interface_password": password,
    "gateway_password": password,
    "valkey_password": password,
    "airflow_jwt_secret": lambda: secrets.token_urlsafe(48),
    SIGNING_KEY: new_signing_key,
    DASK_CERTIFICATE: shared_certificate,
}

ROLE_PASSWORDS = frozenset(
    {
        *("airflow_db_password", "diabetes_db_password", "api_db_password", "mlflow_db_password"),
        *("postgres_monitor_password", "mlflow_postgres_monitor_password"),
        *("airflow_exporter_password", "airflow_interface_password", "gateway_password", "valkey_password"),
    }
)
"""Each start sets them as the passwords of roles, Airflow's users, the gateway and Valkey: they can be replaced."""


def former_file(folder: Path, name: str) -> Path:
    """File of the passwords that a superuser had before, the latest first; only during a rotation."""
    return folder / f".{name}.former"


def former_passwords(folder: Path, name: str) -> list[str]:
    """Passwords that the server may still ask for, because a rotation is not finished."""
    file = former_file(folder, name)
    return file.read_text().split() if file.exists() else []


def missing(folder: Path) -> list[str]:
    """Return the names whose file is absent or empty."""
    return [name for name in SECRETS if not (folder / name).is_file() or not (folder / name).stat().st_size]


def generate(folder: Path) -> list[str]:
    """Create the missing files atomically; returns their names. All but the public keys only the owner can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    created = [name for name in missing(folder) if _create(folder / name, SECRETS[name]())]
    return [*created, PUBLIC_KEYS] if complete_pair(folder) else created


def _create(path: Path, content: str) -> bool:
    """Write a draft and link it to `path`; of two concurrent calls the first wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.") as draft:
        os.fchmod(draft.fileno(), 0o400)
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
        if path.exists() and not path.stat().st_size:
            path.unlink()
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return False
    return True
