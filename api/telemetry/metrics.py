"""Metrics of requests and predictions, in a registry of each application's own."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from api.contract.responses import HISTORY_STATES, OUTCOME_STATUSES

_DURATIONS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BATCH_SIZES: Final = (1, 2, 5, 10, 50, 100, 500, 1000, 5000, 10_000)
_PROBABILITIES: Final = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that Prometheus does not use


class Metrics:
    """Counters and histograms of events, for the event loop; other collectors can share the registry."""

    def __init__(self, *collectors: Collector) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._durations = Histogram(
            "api_request_duration_seconds",
            "Time from the arrival of a request to the end of its response.",
            ["method", "route", "status"],
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self.in_flight = Gauge("api_requests_in_flight", "Requests in flight.", registry=self.registry)
        self._predictions = Counter(
            "api_predictions", "Records scored.", ["model_version", "load_test"], registry=self.registry
        )
        self._prediction_counters: dict[tuple[str, bool], Counter] = {}  # by label: the library needs 2 µs to find one
        self._flagged = Counter(
            "api_flagged",
            "Records scored while a policy was in force, by whether it flagged them.",
            ["policy", "flagged", "load_test"],
            registry=self.registry,
        )
        self._batch_sizes = Histogram(
            "api_batch_size", "Records in a request.", buckets=_BATCH_SIZES, registry=self.registry
        )
        self._history = Counter(
            "api_history",
            "Records with a patient number, by state of the history.",
            ["history"],
            registry=self.registry,
        )
        self._feedback = Counter(
            "api_feedback", "Outcomes received, by result of storing them.", ["status"], registry=self.registry
        )
        self._probabilities = ProbabilityHistogram()
        for other in (self._probabilities, *collectors):
            self.registry.register(other)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a finished request."""
        label = method if method in _METHODS else "OTHER"
        self._durations.labels(label, route, str(status)).observe(seconds)

    def observe_batch(self, size: int) -> None:
        """Count a request by its number of records."""
        self._batch_sizes.observe(size)

    def observe_predictions(
        self, version: str, load_test: bool, probabilities: NDArray[np.float32], history: Sequence[str]
    ) -> None:
        """Count predictions, and the states of the history of records with a patient number."""
        counter = self._prediction_counters.get((version, load_test))
        if counter is None:
            counter = self._predictions.labels(version, "true" if load_test else "false")
            self._prediction_counters[version, load_test] = counter
        counter.inc(len(probabilities))
        self._probabilities.observe(probabilities)
        if history.count("none") == len(history):
            return
        for state in HISTORY_STATES:
            if state != "none" and (count := history.count(state)):
                self._history.labels(state).inc(count)

    def observe_flags(self, policy: str, load_test: bool, flagged: Sequence[bool | None]) -> None:
        """Count the records that a policy flagged and those that it did not; None is outside the population."""
        for flag in (True, False):
            if count := flagged.count(flag):
                self._flagged.labels(policy, str(flag).lower(), str(load_test).lower()).inc(count)

    def observe_feedback(self, statuses: Sequence[str]) -> None:
        """Count the outcomes of one request."""
        for status in OUTCOME_STATUSES:
            if count := statuses.count(status):
                self._feedback.labels(status).inc(count)


class ProbabilityHistogram(Collector):
    """Histogram of the predicted probabilities. The library's own takes one value at a time; batches have 10,000."""

    def __init__(self) -> None:
        self._counts = [0] * len(_PROBABILITIES)
        self._sum = 0.0

    def observe(self, probabilities: NDArray[np.float32]) -> None:
        """Count every value."""
        if len(probabilities) == 1:
            value = float(probabilities[0])
            self._counts[min(bisect_left(_PROBABILITIES, value), len(_PROBABILITIES) - 1)] += 1
            self._sum += value
            return
        buckets = np.minimum(np.searchsorted(_PROBABILITIES, probabilities), len(_PROBABILITIES) - 1)
        for bucket, count in enumerate(np.bincount(buckets, minlength=len(_PROBABILITIES)).tolist()):
            self._counts[bucket] += count
        self._sum += float(probabilities.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The current histogram."""
        totals = list(accumulate(self._counts))
        buckets = [(str(float(edge)), total) for edge, total in zip(_PROBABILITIES, totals, strict=True)]
        family = HistogramMetricFamily("api_prediction_probability", "Predicted probabilities.")
        family.add_metric([], [*buckets, ("+Inf", totals[-1])], self._sum)
        yield family
