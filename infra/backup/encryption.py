"""The secrets in a backup: encrypted with a passphrase (scrypt, AES-256-GCM), and compared by fingerprints."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from infra.backup.errors import BackupError
from infra.secrets.generate import ROLE_PASSWORDS, SUPERUSERS
from ml.core.names import DASK_CERTIFICATE

SECRETS_FILE: Final = "secrets.enc"
LOGINS: Final = "airflow_logins"
"""Name of Airflow's logins among the secrets."""
SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}

OWN_PASSWORDS: Final = ROLE_PASSWORDS | set(SUPERUSERS) | {DASK_CERTIFICATE}
"""An installation keeps its own; all other secrets belong to the data."""


def read_secrets(folder: Path, airflow_logins: Path) -> dict[str, str]:
    """All secrets of the platform by name, and Airflow's logins."""
    found = (
        {path.name: path.read_text() for path in sorted(folder.iterdir()) if _is_secret(path)}
        if folder.is_dir()
        else {}
    )
    if airflow_logins.is_file():
        found[LOGINS] = airflow_logins.read_text()
    return found


def _is_secret(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def fingerprints(secrets: Mapping[str, str]) -> dict[str, str]:
    """Fingerprint of each generated secret that belongs to the data."""
    return {
        name: hashlib.sha256(f"backup fingerprint {name}\0{value.strip()}".encode()).hexdigest()[:16]
        for name, value in secrets.items()
        if name not in OWN_PASSWORDS and name != LOGINS
    }


def encrypt(secrets: Mapping[str, str], passphrase: str, backup_id: str) -> bytes:
    """Encrypt the secrets for one backup; the text belongs to no other."""
    salt, nonce = os.urandom(16), os.urandom(12)
    text = AESGCM(_key(passphrase, salt, SCRYPT)).encrypt(nonce, json.dumps(dict(secrets)).encode(), backup_id.encode())
    parts = {"salt": salt, "nonce": nonce, "text": text}
    return json.dumps(
        {"scrypt": SCRYPT, **{name: base64.b64encode(part).decode() for name, part in parts.items()}}
    ).encode()


def decrypt(content: bytes, passphrase: str, backup_id: str) -> dict[str, str]:
    """Decrypt the secrets of one backup.

    Raises:
        BackupError: another passphrase, or a damaged file.
    """
    try:
        stored: dict[str, Any] = json.loads(content)
        salt, nonce, text = (base64.b64decode(stored[name]) for name in ("salt", "nonce", "text"))
        plain = AESGCM(_key(passphrase, salt, stored["scrypt"])).decrypt(nonce, text, backup_id.encode())
    except InvalidTag:
        raise BackupError(
            "The secrets cannot be decrypted: BACKUP_PASSPHRASE is not the one with which this backup was made."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"The encrypted secrets cannot be read: {error}.") from None
    secrets: dict[str, str] = json.loads(plain)
    return secrets


def _key(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())
