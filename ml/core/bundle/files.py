"""Names, size limits and checksums of the files of a bundle."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from ml.core.errors import BundleError

MODEL_FILE: Final = "model.onnx"
GOLDEN_FILE: Final = "golden.json"
MANIFEST_FILE: Final = "manifest.json"

CHECKED_FILE: Final = "checked"
CHECKS: Final = 1
"""Version of the allow-list; a stricter one gets the next number, and files that passed an earlier one are checked."""

_MEBI: Final = 1024 * 1024
SIZE_LIMITS: Final = {MANIFEST_FILE: _MEBI, GOLDEN_FILE: 16 * _MEBI, MODEL_FILE: 1024 * _MEBI}
"""Files of a bundle and their size limits in bytes, in the order of downloading."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        BundleError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error}.") from error


def digest_of(directory: Path) -> str:
    """SHA-256 over the checksums of all files: equal for bundles of equal content only.

    Raises:
        BundleError: a file cannot be read.
    """
    return hashlib.sha256("".join(sha256_of(directory / name) for name in SIZE_LIMITS).encode()).hexdigest()


def mark_checked(directory: Path, digest: str) -> None:
    """Note the digest of files that have passed the sandbox on this machine."""
    (directory / CHECKED_FILE).write_text(f"{CHECKS} {digest}")


def is_checked(directory: Path) -> bool:
    """Whether exactly these files have passed the present checks on this machine."""
    try:
        noted = (directory / CHECKED_FILE).read_text()
    except (OSError, ValueError):
        return False
    return noted == f"{CHECKS} {digest_of(directory)}"


def read_limited(path: Path) -> bytes:
    """Content of a file that is no larger than its limit.

    Raises:
        BundleError: the file cannot be read or is too large.
    """
    limit = SIZE_LIMITS[path.name]
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{path.name} is not a regular file.")
            if status.st_size > limit:
                raise BundleError(f"{path.name} has more than {limit} bytes.")
            return file.read(status.st_size)
    except OSError as error:
        raise BundleError(f"{path.name} cannot be read: {error}.") from error
