"""Prometheus: figures of now and of the last hours, and the alerts that fire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Final

import httpx
from pydantic import Field

from ui.clients.connection import Connection
from ui.clients.errors import Answer, Service, ServiceError, TooSlow

MOST_SECONDS: Final = 3.0
"""A page that asks every few seconds does not wait long for any one answer."""


class _Series(Answer):
    metric: dict[str, str]
    value: tuple[float, float] | None = None
    values: tuple[tuple[float, float], ...] = ()


class _Result(Answer):
    result: tuple[_Series, ...]


class _QueryAnswer(Answer):
    data: _Result


class Alert(Answer):
    """An alert that fires, or is about to: pending until its condition has held for its waiting time."""

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    state: str
    active_at: datetime = Field(alias="activeAt")

    @property
    def name(self) -> str:
        """The rule it comes from."""
        return self.labels.get("alertname", "")

    @property
    def severity(self) -> str:
        """``critical`` or ``warning``."""
        return self.labels.get("severity", "")


class _Alerts(Answer):
    alerts: tuple[Alert, ...]


class _AlertsAnswer(Answer):
    data: _Alerts


class _Failure(Answer):
    kind: str = Field(default="", alias="errorType")


@dataclass(frozen=True, slots=True)
class Sample:
    """A figure of now, with its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Line:
    """A figure over time: seconds since 1970 and values, with its labels."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class PrometheusClient(Connection):
    """Questions in PromQL. One that takes too long is given up, on both sides."""

    def __init__(self, url: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.PROMETHEUS, url, min(timeout, MOST_SECONDS), transport=transport)

    def now(self, expression: str) -> tuple[Sample, ...]:
        """The present values of an expression; those that are no numbers are left out."""
        asked = {"query": expression, "timeout": self._timeout}
        answer = self.read(_QueryAnswer, "POST", "/api/v1/query", data=asked)
        return tuple(
            Sample(series.metric, series.value[1])
            for series in answer.data.result
            if series.value and isfinite(series.value[1])
        )

    def over_time(self, expression: str, start: float, end: float, step: float) -> tuple[Line, ...]:
        """The values of an expression from ``start`` to ``end`` (seconds since 1970), every ``step`` seconds.

        Values that are no numbers are left out, and with them lines that have no other.
        """
        asked = {"query": expression, "start": start, "end": end, "step": step, "timeout": self._timeout}
        answer = self.read(_QueryAnswer, "POST", "/api/v1/query_range", data=asked)
        lines = (
            Line(series.metric, tuple(point for point in series.values if isfinite(point[1])))
            for series in answer.data.result
        )
        return tuple(line for line in lines if line.points)

    def alerts(self) -> tuple[Alert, ...]:
        """What ``ALERTS`` counts, with the texts of the rules and the time since when."""
        return self.read(_AlertsAnswer, "GET", "/api/v1/alerts").data.alerts

    def _fault(self, answer: httpx.Response) -> ServiceError:
        try:
            failure = _Failure.model_validate_json(answer.content)
        except ValueError:
            failure = _Failure()
        if failure.kind == "timeout":
            return TooSlow(self.service, self._timeout)
        return super()._fault(answer)
