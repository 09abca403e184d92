"""Prometheus: figures of now and of the last hours, and the alerts that fire."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import httpx

from ui.clients.connection import Connection
from ui.clients.faults import Answer, Service


class _Series(Answer):
    metric: dict[str, str]
    value: tuple[float, str] = (0.0, "NaN")
    values: tuple[tuple[float, str], ...] = ()


class _Result(Answer):
    result: tuple[_Series, ...]


class _QueryAnswer(Answer):
    data: _Result


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
    """Questions in PromQL."""

    def __init__(self, url: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(Service.PROMETHEUS, url, timeout, transport=transport)

    def now(self, expression: str) -> list[Sample]:
        """The present values of an expression; those that are no numbers are left out."""
        answer = self.read(_QueryAnswer, "POST", "/api/v1/query", data={"query": expression})
        samples = (Sample(series.metric, float(series.value[1])) for series in answer.data.result)
        return [sample for sample in samples if isfinite(sample.value)]

    def over_time(self, expression: str, start: float, end: float, step: float) -> list[Line]:
        """The values of an expression from ``start`` to ``end`` (seconds since 1970), every ``step`` seconds."""
        asked = {"query": expression, "start": start, "end": end, "step": step}
        answer = self.read(_QueryAnswer, "POST", "/api/v1/query_range", data=asked)
        return [
            Line(series.metric, tuple((at, number) for at, text in series.values if isfinite(number := float(text))))
            for series in answer.data.result
        ]
