"""Every expression of panels, annotations, alerts and recording rules, asked of a live Prometheus."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.grafana.build import DASHBOARDS
from tests.support.prometheus import Prometheus
from tests.unit.infra.prometheus.prometheus_files import metric_names, rules

CHOICES: Final = {"$__rate_interval": "15s"} | {
    f"${name}": ".*" for name in ("job", "container", "route", "dag", "feature", "version")
}
"""What Grafana would put in place of its variables."""


@dataclass(frozen=True)
class Expression:
    """One expression, and where it stands."""

    place: str
    text: str

    @property
    def names(self) -> set[str]:
        """Metrics that it reads."""
        return metric_names(self.text)


def of_dashboards() -> list[Expression]:
    """Of panels and annotations, with values for the variables."""
    return [
        Expression(f"{board['title']}: {place}", _chosen(text))
        for board in (dashboard.as_json() for dashboard in DASHBOARDS)
        for place, text in (*_of_panels(board), *_of_annotations(board))
    ]


def of_recording_rules() -> list[Expression]:
    """What is recorded, by the name under which it is: the rules themselves run in a hurry."""
    return [Expression(f"recorded {rule['record']}", rule["record"]) for rule in rules() if "record" in rule]


def selectors_of_alerts() -> list[Expression]:
    """Everything that an alert selects, one by one: the alert has no value while all is well, its sources must have."""
    found = []
    for rule in rules():
        if "alert" in rule:
            names = "|".join(sorted(metric_names(rule["expr"]), key=len, reverse=True))
            selected = re.findall(rf"(?<![\w:])(?:{names})(?![\w:])(?:\{{[^}}]*\}})?", rule["expr"])
            found += [Expression(f"alert {rule['alert']}: {text}", text) for text in dict.fromkeys(selected)]
    return found


def _of_panels(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]


def _of_annotations(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for mark in board["annotations"]["list"]:
        yield f"marks of {mark['name']}", mark["expr"]


def _chosen(expression: str) -> str:
    for name, value in CHOICES.items():
        expression = expression.replace(name, value)
    return expression


EXPRESSIONS: Final = [*of_dashboards(), *of_recording_rules(), *selectors_of_alerts()]


class Report:
    """What each of them was the last time that it was asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = ["| where | series | last value |", "|---|---|---|"]

    def check(self, prometheus: Prometheus, expression: Expression, since: float, why: str) -> None:
        """The expression has had data, or it has none for the reason that is given."""
        found = prometheus.history(expression.text, since)
        last = f"{float(found[0]['values'][-1][1]):.4g}" if found else f"none: needs {why}"
        self._lines.append(f"| {expression.place.replace('|', '/')} | {len(found)} | {last} |")
        assert bool(found) != bool(why), f"listed as one that needs {why}, and is here" if found else "never any data"

    def write(self) -> None:
        """Write it as a table."""
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text("".join(f"{line}\n" for line in self._lines))
