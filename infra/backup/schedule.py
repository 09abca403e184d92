"""Makes a backup every day at BACKUP_AT (UTC), and verifies the newest one every week."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from infra.backup.status import SUCCESS, VERIFIED
from ml.core.errors import PlatformError

POLL_SECONDS: Final = 20.0
RETRY: Final = timedelta(minutes=30)
"""After a failure."""
VERIFY_EVERY: Final = timedelta(days=7)

Report = Callable[[str], None]


def is_backup_due(now: datetime, at: str, last: float | None) -> bool:
    """Whether the latest time of day `at` has passed without a backup since; one that was missed is made up for."""
    hour, minute = map(int, at.split(":"))
    latest = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if latest > now:
        latest -= timedelta(days=1)
    return last is None or datetime.fromtimestamp(last, UTC) < latest


def is_verification_due(now: datetime, status: Mapping[str, float]) -> bool:
    """Whether there is a backup, and none was verified for a week."""
    if SUCCESS not in status:
        return False
    verified = status.get(VERIFIED)
    return verified is None or now - datetime.fromtimestamp(verified, UTC) >= VERIFY_EVERY


class Schedule:
    """Runs what is due. After a failure it waits before it tries again."""

    def __init__(
        self,
        at: str,
        status: Callable[[], Mapping[str, float]],
        backup: Callable[[], object],
        verify: Callable[[], object],
        report: Report,
    ) -> None:
        self._at, self._status, self._report = at, status, report
        self._jobs = {"backup": backup, "verification": verify}
        self._retry_at: dict[str, datetime] = {}

    def run_due(self, now: datetime) -> None:
        """Run the backup and the verification, if they are due."""
        if is_backup_due(now, self._at, self._status().get(SUCCESS)):
            self._run("backup", now)
        if is_verification_due(now, self._status()):
            self._run("verification", now)

    def run_forever(self) -> None:
        """Look at the clock every few seconds, so that a change of the clock or a suspended machine does no harm."""
        self._report(f"A backup every day at {self._at} UTC; a verification every week")
        while True:
            self.run_due(datetime.now(UTC))
            time.sleep(POLL_SECONDS)

    def _run(self, name: str, now: datetime) -> None:
        if now < self._retry_at.get(name, now):
            return
        try:
            self._jobs[name]()
        except PlatformError as error:
            self._report(f"The {name} failed and is tried again in {RETRY.seconds // 60} minutes: {error}")
            self._retry_at[name] = now + RETRY
        else:
            self._retry_at.pop(name, None)
