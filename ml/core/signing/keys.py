"""The gate's Ed25519 key pair, in two files: a private key, and the public keys that verify approvals.

Keys are 32 bytes in hex. The first line of the public file belongs to the private key; further lines are former keys,
whose approvals stay valid until a rotation is finished.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ml.core.errors import SettingsError
from ml.core.names import PUBLIC_KEYS, SIGNING_KEY

PublicKeys = Mapping[str, Ed25519PublicKey]
"""Valid public keys by their ids."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key, and the id of its public key."""

    private: Ed25519PrivateKey
    id: str


def new_signing_key() -> str:
    """Content of a new private key file."""
    return secrets.token_hex(32)


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of a public key."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def read_signing_key(file: Path) -> SigningKey:
    """Read the private key.

    Raises:
        SettingsError: the file cannot be read, or holds no key.
    """
    (content,) = _read(file, "the private key of the gate", "MODEL_SIGNING_KEY_FILE")[:1]
    private = Ed25519PrivateKey.from_private_bytes(content)
    return SigningKey(private, key_id(private.public_key()))


def read_public_keys(file: Path) -> PublicKeys:
    """Read the public keys; the first is the present one.

    Raises:
        SettingsError: the file cannot be read, or holds something else.
    """
    contents = _read(file, "the public keys of the gate", "MODEL_PUBLIC_KEYS_FILE")
    keys = [Ed25519PublicKey.from_public_bytes(content) for content in contents]
    return {key_id(key): key for key in keys}


def complete_pair(folder: Path) -> bool:
    """Make the public file begin with the key of the private file; returns whether it was changed.

    Former public keys stay: what a lost private key signed is still approved.
    """
    public = read_signing_key(folder / SIGNING_KEY).private.public_key()
    file = folder / PUBLIC_KEYS
    former = list(read_public_keys(file).values()) if file.exists() and file.stat().st_size else []
    if former and key_id(former[0]) == key_id(public):
        return False
    _write_public(file, [public, *(key for key in former if key_id(key) != key_id(public))])
    return True


def rotate(signing_key: Path, public_keys: Path) -> SigningKey:
    """Replace the private key by a new one. The former public keys stay valid.

    The public key is written first: whoever meets a new signature can verify it.

    Raises:
        SettingsError: the present files cannot be read.
        OSError: they cannot be written.
    """
    former = list(read_public_keys(public_keys).values())
    content = new_signing_key()
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(content))
    _write_public(public_keys, [private.public_key(), *former])
    replace_file(signing_key, content, 0o400)
    return SigningKey(private, key_id(private.public_key()))


def retire_former_keys(public_keys: Path) -> list[str]:
    """Remove all public keys but the present one; returns the ids of those removed.

    Raises:
        SettingsError, OSError: as in :func:`rotate`.
    """
    present, *former = read_public_keys(public_keys).values()
    if former:
        _write_public(public_keys, [present])
    return [key_id(key) for key in former]


def _read(file: Path, what: str, setting: str) -> list[bytes]:
    try:
        contents = [bytes.fromhex(line) for line in file.read_text().split()]
    except OSError as error:
        raise SettingsError(
            f"The file with {what}, {file}, cannot be read ({error.strerror}): generate it with docker compose up or "
            f"make demo, or set {setting}."
        ) from error
    except ValueError:
        contents = []
    if not contents or {len(content) for content in contents} != {32}:
        raise SettingsError(f"The file with {what}, {file}, holds no keys of 64 hex digits, one a line: restore it.")
    return contents


def _write_public(file: Path, keys: Sequence[Ed25519PublicKey]) -> None:
    replace_file(file, "".join(f"{key.public_bytes_raw().hex()}\n" for key in keys), 0o444)


def replace_file(file: Path, content: str, mode: int) -> None:
    """Replace a file atomically."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as draft:
        os.fchmod(draft.fileno(), mode)
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
    Path(draft.name).replace(file)
