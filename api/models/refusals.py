"""Versions that failed their checks, remembered on disk: a restart does not try them again before it is time."""

import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from api.models.registry_client import RegisteredVersion, utc_now

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 60
MAX_RETRY_SECONDS: Final = 3600
"""A rejected version is retried with exponential backoff between these two: memory may have been short."""
FORGET_SECONDS: Final = 7 * 24 * 3600
_MOST: Final = 50
_FILE: Final = "refused.json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A version that failed, the digest of its files if they were complete, and when to retry it (Unix time)."""

    registered: RegisteredVersion
    kind: str
    reason: str
    at: str
    attempts: int
    retry_at: float
    digest: str | None = None


class Refusals:
    """The refusals in the folder of the model cache. A folder that cannot be written costs the memory, no answer."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE

    def of_version(self, registered: RegisteredVersion) -> Refusal | None:
        """The refusal of a version, or None."""
        return next((one for one in self._read() if one.registered == registered), None)

    def of_content(self, digest: str) -> Refusal | None:
        """The refusal of files with this content, under whatever version, while it is not time to retry; or None."""
        return next((one for one in self._read() if one.digest == digest and not is_due(one)), None)

    def add(self, registered: RegisteredVersion, kind: str, reason: str, digest: str | None) -> Refusal:
        """Remember that a version failed; the time of its next attempt follows from the number of attempts so far."""
        refusals = self._read()
        attempts = 1 + max((one.attempts for one in refusals if one.registered == registered), default=0)
        retry_at = time.time() + min(RETRY_SECONDS * 2 ** min(attempts - 1, 10), MAX_RETRY_SECONDS)
        added = Refusal(registered, kind, reason, utc_now(), attempts, retry_at, digest)
        self._write([added, *(one for one in refusals if one.registered != registered)])
        return added

    def forget(self, registered: RegisteredVersion) -> None:
        """Forget the refusal of a version that has passed."""
        refusals = self._read()
        kept = [one for one in refusals if one.registered != registered]
        if len(kept) < len(refusals):
            self._write(kept)

    def _read(self) -> list[Refusal]:
        try:
            read = [_refusal(entry) for entry in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError, KeyError):
            read = []  # none, or damaged: the versions are tried again
        now = time.time()
        return [one for one in read if abs(now - one.retry_at) < FORGET_SECONDS]

    def _write(self, refusals: list[Refusal]) -> None:
        scratch = self._file.with_suffix(f".{os.getpid()}")  # of each worker its own
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps([asdict(one) for one in refusals[:_MOST]]))
            scratch.replace(self._file)
        except OSError as error:
            logger.warning("a refused version cannot be remembered: %s", error.strerror)


def is_due(refusal: Refusal) -> bool:
    """Whether to try it again; also if the clock was set back since."""
    return not time.time() < refusal.retry_at <= time.time() + MAX_RETRY_SECONDS


def _refusal(entry: dict[str, Any]) -> Refusal:
    return Refusal(**{**entry, "registered": RegisteredVersion(**entry["registered"])})
