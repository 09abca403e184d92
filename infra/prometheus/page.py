"""``python -m infra.prometheus.page``: writes the catalogue as the page ``docs/metrics.md``."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from infra.prometheus.catalogue import CATALOGUE, ENDINGS, Entry
from infra.prometheus.layout import SOURCE

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
HEAD: Final = """# Metrics

Every metric that dashboards and alerts may read, by scrape job, written from `infra/prometheus/catalogue.py` by
`python -m infra.prometheus.page`. Tests compare it with what the services export, and run each expression of each panel
and rule against a live Prometheus (`make test-observability`, `make compose-test`). Prometheus adds the labels `job`
and `instance`; with several workers the API adds `worker`.
"""
TITLES: Final = {"*": "Every target"}

logger = logging.getLogger(__name__)


def rendered() -> str:
    """The page; the same catalogue gives the same bytes."""
    parts = [HEAD, *(_section(job, found) for job, found in CATALOGUE.items()), _recorded()]
    return "\n".join(parts)


def _section(job: str, found: tuple[Entry, ...]) -> str:
    title = TITLES.get(job, f"`{job}`")
    rows = "".join(f"{_row(entry)}\n" for entry in found)
    return f"## {title}\n\n| metric | kind | labels | meaning | source |\n|---|---|---|---|---|\n{rows}"


def _row(entry: Entry) -> str:
    labels = ", ".join(f"`{label}`" for label in entry.labels)
    kind = entry.kind + (f" ({', '.join(ENDINGS[entry.kind])})" if entry.kind in ENDINGS else "")
    return f"| `{entry.name}` | {kind} | {labels} | {entry.meaning} | {entry.source or 'the service'} |"


def _recorded() -> str:
    rows = "".join(f"| `{rule['record']}` | `{_one_line(rule['expr'])}` |\n" for rule in _recording_rules())
    return f"## Recorded series\n\n| series | expression |\n|---|---|\n{rows}"


def _recording_rules() -> Iterator[dict[str, Any]]:
    groups = yaml.safe_load((SOURCE / "rules" / "recording.yml").read_text())["groups"]
    return (rule for group in groups for rule in group["rules"])


def _one_line(expression: str) -> str:
    return " ".join(expression.split()).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    PAGE.write_text(rendered())
    logger.info("%s written", PAGE.name)


if __name__ == "__main__":
    main()
