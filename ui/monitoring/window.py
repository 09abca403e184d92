"""Time windows of the Monitoring page."""

from enum import StrEnum
from typing import Final

from ui.i18n.language import counted

SCRAPE_SECONDS: Final = 10
"""Prometheus's scrape interval."""
POINTS: Final = 60
"""Values of a line, few enough for a readable table."""


class Window(StrEnum):
    """The selectable windows, in PromQL notation."""

    QUARTER = "15m"
    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"

    @property
    def seconds(self) -> int:
        """Length in seconds."""
        return int(self.value[:-1]) * {"m": 60, "h": 3600}[self.value[-1]]

    @property
    def step(self) -> int:
        """Seconds between two values of a line."""
        return self.seconds // POINTS

    @property
    def rate_seconds(self) -> int:
        """Range of a rate, computed as in Grafana: steps overlap, and each range holds four scrapes."""
        return max(self.step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)

    @property
    def text(self) -> str:
        """Length in words."""
        if self is Window.QUARTER:
            return counted("{number} minute", "{number} minutes", 15)
        return counted("{number} hour", "{number} hours", self.seconds // 3600)
