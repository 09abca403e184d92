"""Every expression of panels, annotations, alerts and recording rules, and a check of each in a live Prometheus."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.grafana.build import DASHBOARDS
from tests.support.prometheus import Prometheus
from tests.unit.infra.prometheus.prometheus_files import metric_names, rules

VALUES: Final = {"$__rate_interval": "15s"} | {
    f"${name}": ".*" for name in ("job", "container", "route", "dag", "feature", "version")
}
"""Values for Grafana's variables."""


@dataclass(frozen=True)
class Expression:
    """One expression and its place."""

    place: str
    text: str

    @property
    def names(self) -> set[str]:
        """Names of its metrics."""
        return metric_names(self.text)


def of_dashboards() -> list[Expression]:
    """Expressions of panels and annotations, with values for the variables."""
    return [
        Expression(f"{board['title']}: {place}", _without_variables(text))
        for board in (dashboard.as_json() for dashboard in DASHBOARDS)
        for place, text in (*_of_panels(board), *_of_annotations(board))
    ]


def of_recording_rules() -> list[Expression]:
    """Recorded series by name; the tests shorten the durations in their expressions."""
    return [Expression(f"recorded {rule['record']}", rule["record"]) for rule in rules() if "record" in rule]


def selectors_of_alerts() -> list[Expression]:
    """Each selector of each alert: the alert itself has no value while it does not fire."""
    selectors = []
    for rule in rules():
        if "alert" in rule:
            names = "|".join(sorted(metric_names(rule["expr"]), key=len, reverse=True))
            selected = re.findall(rf"(?<![\w:])(?:{names})(?![\w:])(?:\{{[^}}]*\}})?", rule["expr"])
            selectors += [Expression(f"alert {rule['alert']}: {text}", text) for text in dict.fromkeys(selected)]
    return selectors


def _of_panels(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]


def _of_annotations(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for mark in board["annotations"]["list"]:
        yield f"annotation {mark['name']}", mark["expr"]


def _without_variables(expression: str) -> str:
    for name, value in VALUES.items():
        expression = expression.replace(name, value)
    return expression


EXPRESSIONS: Final = [*of_dashboards(), *of_recording_rules(), *selectors_of_alerts()]


class Report:
    """A table of the last value of each checked expression."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = ["| place | series | last value |", "|---|---|---|"]

    def check(self, prometheus: Prometheus, expression: Expression, since: float, reason: str) -> None:
        """Assert that the expression has had data since a time, or has had none if a reason is given."""
        series = prometheus.history(expression.text, since)
        last = f"{float(series[0]['values'][-1][1]):.4g}" if series else f"none: needs {reason}"
        self._lines.append(f"| {expression.place.replace('|', '/')} | {len(series)} | {last} |")
        assert bool(series) != bool(reason), f"has data but is listed as needing {reason}" if series else "no data"

    def write(self) -> None:
        """Write the table."""
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text("".join(f"{line}\n" for line in self._lines))
