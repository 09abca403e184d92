"""API keys. The service knows only their hashes; who holds a key is known by the name it was made for.

``python -m api.keys new NAME`` makes one: it prints the key, once, and what to add to ``API_KEYS``.
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


class Keys:
    """The keys that open the service; none at all means that it is open."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = tuple(hashes.items())

    def __bool__(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._hashes)

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """Read ``NAME:SHA256,NAME:SHA256``.

        Raises:
            SettingsError: it is something else. The text is not repeated: somebody may have written a key there.
        """
        hashes: dict[str, str] = {}
        for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
            name, _, digest = part.partition(":")
            if not _NAME.fullmatch(name) or not _SHA256.fullmatch(digest) or name in hashes:
                raise SettingsError(
                    f"Setting API_KEYS has a malformed value: its entry {number} is not a name of its own and the "
                    "SHA-256 of a key in hexadecimal digits; python -m api.keys new NAME makes one."
                )
            hashes[name] = digest
        return cls(hashes)

    def holder_of(self, key: str) -> str | None:
        """The name that a key was made for; None for what is no key of this service.

        All keys are looked at, whichever matches, so the time it takes tells nothing.
        """
        given, holder = digest_of(key), None
        for name, digest in self._hashes:
            if hmac.compare_digest(given, digest):
                holder = name
        return holder


def digest_of(key: str) -> str:
    """The hash of a key. A key is 256 random bits, so there is nothing for a slow hash to protect."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """The command line; returns its exit status."""
    match arguments:
        case ["new", name] if _NAME.fullmatch(name):
            key = secrets.token_urlsafe(32)
            sys.stdout.write(
                f"The key of {name}, shown this once:\n\n  {key}\n\n"
                f"For API_KEYS, after a comma where there are others:\n\n  {name}:{digest_of(key)}\n"
            )
            return 0
        case _:
            sys.stderr.write(_USAGE)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
