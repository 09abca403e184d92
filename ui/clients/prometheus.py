"""Client of Prometheus: instant and range queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final

import httpx

from ui.clients.connection import Connection
from ui.clients.errors import ResponseModel, Service

MAX_SECONDS: Final = 3.0
"""Upper limit of the timeout: the page refreshes every few seconds."""


class _Series(ResponseModel):
    metric: dict[str, str]
    value: tuple[float, float] | None = None
    values: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A current value with its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class TimeSeries:
    """Values over time with their labels: pairs of seconds since 1970 and value."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class PrometheusClient(Connection):
    """Queries in PromQL; both sides abort a query at the timeout."""

    def __init__(self, url: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.PROMETHEUS, url, min(timeout, MAX_SECONDS), transport=transport)

    def query(self, expression: str) -> tuple[Sample, ...]:
        """The current finite values of an expression."""
        return tuple(
            Sample(series.metric, series.value[1])
            for series in self._series("/api/v1/query", expression)
            if series.value and isfinite(series.value[1])
        )

    def query_range(self, expression: str, start: float, end: float, step: float) -> tuple[TimeSeries, ...]:
        """The finite values from ``start`` to ``end`` (seconds since 1970), every ``step`` seconds."""
        found = (
            TimeSeries(series.metric, tuple(point for point in series.values if isfinite(point[1])))
            for series in self._series("/api/v1/query_range", expression, start=start, end=end, step=step)
        )
        return tuple(series for series in found if series.points)

    def _series(self, path: str, expression: str, **times: float) -> tuple[_Series, ...]:
        data = {"query": expression, "timeout": self._timeout, **times}
        return self.fetch(tuple[_Series, ...], "POST", path, key="data.result", data=data)
