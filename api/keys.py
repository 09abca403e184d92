"""API keys. The settings hold names of owners and SHA-256 hashes of keys, never a key.

``python -m api.keys new NAME`` generates a key and prints it once, with its entry for ``API_KEYS``.
"""

import hashlib
import hmac
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from ml.core.errors import SettingsError

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_USAGE: Final = "usage: python -m api.keys new NAME      (letters, digits, dots, dashes, underscores)\n"


class ApiKeys:
    """The valid keys of the service. Without any, the service is open."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = tuple(hashes.items())

    def __bool__(self) -> bool:
        """Whether a key is required."""
        return bool(self._hashes)

    @property
    def owners(self) -> tuple[str, ...]:
        """The names of the keys, in the order of the setting."""
        return tuple(name for name, _ in self._hashes)

    @classmethod
    def parse(cls, text: str) -> "ApiKeys":
        """Parse ``NAME:SHA256,NAME:SHA256``.

        Raises:
            SettingsError: the text is malformed. The message does not quote it, since it may hold a key by mistake.
        """
        hashes: dict[str, str] = {}
        for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
            name, _, digest = part.partition(":")
            if not _NAME.fullmatch(name) or not _SHA256.fullmatch(digest) or name in hashes:
                raise SettingsError(
                    f"Setting API_KEYS has a malformed value: its entry {number} is not a unique name and the SHA-256 "
                    "of a key in hexadecimal digits; python -m api.keys new NAME prints one."
                )
            hashes[name] = digest
        return cls(hashes)

    def owner_of(self, key: str) -> str | None:
        """The name that a key was generated for; None if the key is not valid.

        Compares with every hash in constant time, so that the duration reveals nothing.
        """
        digest, owner = hash_key(key), None
        for name, expected in self._hashes:
            if hmac.compare_digest(digest, expected):
                owner = name
        return owner


def hash_key(key: str) -> str:
    """SHA-256 of a key. A key has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """The command line; returns its exit status."""
    match arguments:
        case ["new", name] if _NAME.fullmatch(name):
            key = secrets.token_urlsafe(32)
            sys.stdout.write(
                f"The key of {name}; it is not shown again:\n\n  {key}\n\n"
                f"Add to API_KEYS, separated by a comma:\n\n  {name}:{hash_key(key)}\n"
            )
            return 0
        case _:
            sys.stderr.write(_USAGE)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
