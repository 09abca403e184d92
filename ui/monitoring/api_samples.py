"""Results of the page's queries without Prometheus: from readings of the API's metrics, and from GET /monitoring."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Final

from ui.clients.api_models import MonitoringResults
from ui.clients.errors import ServiceError
from ui.clients.prometheus import Sample, TimeSeries
from ui.monitoring import queries
from ui.monitoring.api_readings import DURATIONS, PREDICTIONS, RESPONSES, RISKS, Growth, Reading, growths
from ui.monitoring.queries import INSTANT_QUERIES, RANGE_QUERIES, Query
from ui.monitoring.window import POINTS, Window

NOW_SECONDS: Final = 300
"""Range of the headline, as in the recording rules of Prometheus."""
STATES: Final = {"ok": 0, "drift": 1, "not_enough_data": -1}
"""Codes of the exporter."""

Samples = dict[Query, tuple[Sample, ...] | ServiceError]
Lines = dict[Query, tuple[TimeSeries, ...] | ServiceError]


def traffic(readings: Sequence[Reading] | ServiceError, window: Window) -> tuple[Samples, Lines]:
    """Traffic, latency and risks of the window."""
    of_headline = (queries.REQUESTS_NOW, queries.P95_NOW, queries.P99_NOW, queries.FAILING_NOW)
    if isinstance(readings, ServiceError):
        names = (*of_headline, queries.SERVED_NOW, queries.SCORES)
        return dict.fromkeys(names, readings), dict.fromkeys(RANGE_QUERIES, readings)
    end, served = readings[-1].at, readings[-1].served
    recent = list(growths(readings, end - NOW_SECONDS))
    responses, durations = _total(recent, RESPONSES), _total(recent, DURATIONS)
    samples: Samples = {
        queries.REQUESTS_NOW: _sample(_rate(sum(responses.values()), recent)),
        queries.P95_NOW: _sample(quantile(0.95, durations)),
        queries.P99_NOW: _sample(quantile(0.99, durations)),
        queries.FAILING_NOW: _sample(_failing(responses)),
        queries.SERVED_NOW: _sample(served),
    }
    in_window = list(growths(readings, end - window.seconds))
    samples[queries.SCORES] = tuple(Sample({"le": le}, value) for le, value in _total(in_window, RISKS).items())
    return samples, _lines(in_window, window)


def _lines(in_window: Sequence[Growth], window: Window) -> Lines:
    """The lines of the window: at each moment over the range of a rate before it."""
    points: dict[Query, dict[tuple[str, str], list[tuple[float, float]]]] = {
        query: defaultdict(list) for query in RANGE_QUERIES
    }

    def add(query: Query, label: str, name: str, at: float, value: float | None) -> None:
        if value is not None:
            points[query][label, name].append((at, value))

    every = max(1, len(in_window) // POINTS)
    for moment in in_window[::-1][::every][::-1]:
        steps = [one for one in in_window if moment.at - window.rate_seconds < one.at <= moment.at]
        responses, durations = _total(steps, RESPONSES), _total(steps, DURATIONS)
        for status, value in responses.items():
            add(queries.RESPONSES, "status", status, moment.at, _rate(value, steps))
        for version, value in _total(steps, PREDICTIONS).items():
            add(queries.PREDICTIONS, "model_version", version, moment.at, _rate(value, steps))
        for query, share in ((queries.P50, 0.5), (queries.P95, 0.95), (queries.P99, 0.99)):
            add(query, "", "", moment.at, quantile(share, durations))
        add(queries.FAILING, "route", "/predict", moment.at, _failing(responses))
    return {
        query: tuple(TimeSeries({label: name} if label else {}, tuple(line)) for (label, name), line in found.items())
        for query, found in points.items()
    }


def results(found: MonitoringResults | ServiceError) -> Samples:
    """Drift and realised quality, as the exporter would export them."""
    names = INSTANT_QUERIES[INSTANT_QUERIES.index(queries.DATABASE_UP) :]
    if isinstance(found, ServiceError):
        return dict.fromkeys(names, found)
    samples: dict[Query, list[Sample]] = {name: [] for name in names}
    samples[queries.DATABASE_UP].append(Sample({}, 1))
    if run := found.run:
        samples[queries.RUN_STATE].append(Sample({}, STATES[run.state]))
        samples[queries.RUN_TIME].append(Sample({}, run.finished_at.timestamp()))
        samples[queries.RUN_PREDICTIONS].append(Sample({}, run.predictions))
    for test in found.drift:
        labels = {"kind": test.kind, "feature": test.feature}
        values = (queries.DRIFT_STATE, STATES[test.state]), (queries.DRIFT_DISTANCE, test.distance)
        for query, value in (*values, (queries.DRIFT_THRESHOLD, test.threshold)):
            samples[query] += _sample(value, labels)
    for one in found.quality:
        labels = {"model_version": one.model_version, "metric": one.metric}
        if one.subgroup == "all" and one.estimated:
            samples[queries.ESTIMATED] += _sample(one.value, labels)
        elif one.subgroup == "all":
            for bound, value in (("value", one.value), ("low", one.low), ("high", one.high)):
                samples[queries.REALISED] += _sample(value, {**labels, "bound": bound})
            version = {"model_version": one.model_version}
            samples[queries.OUTCOMES] = _replaced(samples[queries.OUTCOMES], version, one.records)
            samples[queries.COVERAGE] = _replaced(samples[queries.COVERAGE], version, one.coverage)
    return {query: tuple(values) for query, values in samples.items()}


def quantile(share: float, cumulative: Mapping[str, float]) -> float | None:
    """A quantile of a histogram by upper bound, linear within a bucket as in Prometheus; None without observations."""
    buckets = sorted((float(le), count) for le, count in cumulative.items())
    if not buckets or not buckets[-1][1]:
        return None
    rank, low, below = share * buckets[-1][1], 0.0, 0.0
    for high, count in buckets:
        if count >= rank and count > below:
            return low if high == inf else low + (high - low) * (rank - below) / (count - below)
        low, below = high, count
    return low


def _total(steps: Iterable[Growth], name: str) -> dict[str, float]:
    """Growth of a counter over several steps, by label."""
    total: dict[str, float] = defaultdict(float)
    for step in steps:
        for (counter, label), value in step.by.items():
            if counter == name:
                total[label] += value
    return total


def _rate(count: float, steps: Sequence[Growth]) -> float | None:
    """Events per second."""
    seconds = max(step.at for step in steps) - min(step.since for step in steps) if steps else 0
    return count / seconds if seconds > 0 else None


def _failing(responses: Mapping[str, float]) -> float | None:
    """Share of responses with a 5xx; None without responses."""
    total = sum(responses.values())
    return sum(count for status, count in responses.items() if status.startswith("5")) / total if total else None


def _sample(value: float | None, labels: Mapping[str, str] | None = None) -> tuple[Sample, ...]:
    return () if value is None else (Sample(labels or {}, value),)


def _replaced(samples: list[Sample], labels: Mapping[str, str], value: float) -> list[Sample]:
    return [one for one in samples if one.labels != labels] + [Sample(labels, value)]
