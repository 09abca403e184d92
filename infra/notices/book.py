"""The last notices in memory, and how many there have been."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from infra.notices.notification import Alert, Notification

MOST_KEPT: Final = 200
MOST_NAMES: Final = 100
"""Names of alerts become label values; more than this many are not ours and count as "other"."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert that began (firing) or ended (resolved), as it was told."""

    at: datetime
    receiver: str
    status: str
    name: str
    severity: str
    instance: str
    summary: str
    action: str

    @classmethod
    def of(cls, alert: Alert, receiver: str) -> "Notice":
        """What a person needs of an alert."""
        labels, told = alert.labels, alert.annotations
        return cls(
            at=datetime.now(UTC),
            receiver=receiver,
            status=alert.status,
            name=labels.get("alertname", "other"),
            severity=labels.get("severity", "none"),
            instance=labels.get("instance", ""),
            summary=told.get("summary", ""),
            action=told.get("action", ""),
        )


class Book(Collector):
    """Takes notifications from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Notice] = deque(maxlen=MOST_KEPT)
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, notification: Notification) -> list[Notice]:
        """Keep and count what was told; returns it, one notice per alert."""
        notices = [Notice.of(alert, notification.receiver) for alert in notification.alerts]
        with self._lock:
            self._kept.extend(notices)
            for notice in notices:
                names = {name for name, _ in self._counts}
                name = notice.name if notice.name in names or len(names) < MOST_NAMES else "other"
                self._counts[name, notice.status] += 1
        return notices

    def latest(self) -> list[Notice]:
        """What is kept, the newest first."""
        with self._lock:
            return list(reversed(self._kept))

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they are now."""
        family = CounterMetricFamily(
            "alert_notifications", "Alerts told, by what was told of them.", labels=["alertname", "status"]
        )
        with self._lock:
            counts = dict(self._counts)
        for (name, status), count in sorted(counts.items()):
            family.add_metric([name, status], count)
        yield family
