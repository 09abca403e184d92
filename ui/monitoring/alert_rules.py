"""Alerting rules of Prometheus with their pending and firing alerts (``GET /api/v1/rules``)."""

import re
from datetime import datetime
from typing import Final

from pydantic import Field

from ui.clients.errors import ResponseModel
from ui.clients.prometheus import PrometheusClient

FIRING: Final = "firing"
CRITICAL: Final = "critical"

_COMPARISON: Final = re.compile(r"[a-zA-Z_:][\w:]*(?:\{[^{}]*\})? [<>]=? (-?[\d.]++)(?! [-+*/%^])")
"""A selected series compared with a number: the number is where the alert begins."""


class Alert(ResponseModel):
    """A pending or firing alert. It is pending until its condition has held for the rule's waiting time."""

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    state: str
    active_at: datetime = Field(alias="activeAt")

    @property
    def name(self) -> str:
        """Name of the rule."""
        return self.labels.get("alertname", "")

    @property
    def severity(self) -> str:
        """``critical`` or ``warning``."""
        return self.labels.get("severity", "")


class AlertRule(ResponseModel):
    """A rule with its alerts."""

    name: str
    query: str
    alerts: tuple[Alert, ...] = ()

    @property
    def limits(self) -> tuple[float, ...]:
        """The numbers that the rule compares series with, ascending."""
        return tuple(sorted(float(number) for number in _COMPARISON.findall(self.query)))


class _Group(ResponseModel):
    rules: tuple[AlertRule, ...]


def fetch_rules(prometheus: PrometheusClient) -> tuple[AlertRule, ...]:
    """All alerting rules.

    Raises:
        ServiceError: Prometheus does not answer as expected.
    """
    groups = prometheus.fetch(tuple[_Group, ...], "GET", "/api/v1/rules", key="data.groups", params={"type": "alert"})
    return tuple(rule for group in groups for rule in group.rules)
