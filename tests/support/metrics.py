"""The catalogue of metrics in ``docs/metrics.md``, parsed: name, kind, labels and meaning by scrape job.

Tests compare rules, dashboards and the metrics of our own services with it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
ENDINGS: Final = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
"""Series of the kinds that have more than one."""
_SECTION: Final = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
_ROW: Final = re.compile(r"^\| `(\w+)` \| (\w+)[^|]* \| ([^|]*) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric. `labels` are those of the service; Prometheus adds ``job`` and ``instance``."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    source: str

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its series."""
        return tuple(self.name + ending for ending in ENDINGS.get(self.kind, ("",)))


def _entries(rows: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(name, kind, tuple(re.findall(r"`(\w+)`", labels)), meaning, source)
        for name, kind, labels, meaning, source in _ROW.findall(rows)
    )


CATALOGUE: Final = {title.strip("`"): _entries(rows) for title, rows in _SECTION.findall(PAGE.read_text())}


def entries() -> Iterable[Entry]:
    """All metrics."""
    return (entry for section in CATALOGUE.values() for entry in section)


def known_series() -> set[str]:
    """Names of all series but the recorded ones."""
    return {name for entry in entries() for name in entry.series}
