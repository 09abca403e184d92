"""The window of time a person looks at."""

from enum import StrEnum
from typing import Final

from ui.i18n.language import counted

SCRAPE_SECONDS: Final = 10
"""How often Prometheus reads the services."""
POINTS: Final = 60
"""Values of a line, so that a table of them can still be read."""


class Window(StrEnum):
    """The windows there are, as PromQL writes them."""

    QUARTER = "15m"
    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"

    @property
    def seconds(self) -> int:
        """Its length."""
        return int(self.value[:-1]) * {"m": 60, "h": 3600}[self.value[-1]]

    @property
    def step(self) -> int:
        """Seconds between two values of a line."""
        return self.seconds // POINTS

    @property
    def rate_seconds(self) -> int:
        """The range of a rate, as Grafana fits it: the steps overlap, and four scrapes fall into each range."""
        return max(self.step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)

    @property
    def text(self) -> str:
        """Its length in words."""
        if self is Window.QUARTER:
            return counted("{number} minute", "{number} minutes", 15)
        return counted("{number} hour", "{number} hours", self.seconds // 3600)
