"""Metrics of the service, each in the registry of its own application."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
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
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from api.admission import Admission
from api.models.store import ModelStore
from api.scoring.micro_batching import MicroBatcher
from api.storage.feedback import STATUSES
from api.storage.patient_history import NONE, STATES
from api.storage.prediction_log import PredictionLog
from api.telemetry.stage_metrics import StageCollector

_DURATIONS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BATCHES: Final = (1, 2, 5, 10, 50, 100, 500, 1000, 5000, 10_000)
_RISKS: Final = (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, of no use to Prometheus


class Metrics:
    """What the service counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._durations = Histogram(
            "api_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["method", "route", "status"],
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self.in_flight = Gauge("api_requests_in_flight", "Requests being answered.", registry=self.registry)
        self._predictions = Counter(
            "api_predictions", "Records scored.", ["model_version", "load_test"], registry=self.registry
        )
        self._prediction_counters: dict[tuple[str, bool], Counter] = {}  # by label: the library takes 2 µs to find one
        self._batch_size = Histogram(
            "api_batch_size", "Records in a request.", buckets=_BATCHES, registry=self.registry
        )
        self._history = Counter(
            "api_history",
            "Records with a patient, by what became of the patient's history.",
            ["history"],
            registry=self.registry,
        )
        self._feedback = Counter(
            "api_feedback", "Outcomes received, by what became of them.", ["status"], registry=self.registry
        )
        self._probabilities = ProbabilityHistogram()
        self.registry.register(self._probabilities)

    def watch(self, store: ModelStore, log: PredictionLog, load: Admission, together: MicroBatcher) -> None:
        """Add what these parts know, read at each scrape."""
        self.registry.register(LoadCollector(load))
        self.registry.register(ModelCollector(store))
        self.registry.register(LogCollector(log))
        self.registry.register(log.fields)
        self.registry.register(StageCollector(together, log))

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = method if method in _METHODS else "OTHER"
        self._durations.labels(known, route, str(status)).observe(seconds)

    def observe_predictions(self, version: str, load_test: bool, probabilities: NDArray[np.float32]) -> None:
        """Count answers."""
        counter = self._prediction_counters.get((version, load_test))
        if counter is None:
            counter = self._predictions.labels(version, "true" if load_test else "false")
            self._prediction_counters[version, load_test] = counter
        counter.inc(len(probabilities))
        self._probabilities.observe(probabilities)

    def observe_batch(self, size: int) -> None:
        """Count a request by its number of records."""
        self._batch_size.observe(size)

    def observe_history(self, states: Sequence[str]) -> None:
        """Count what became of the history of patients; records without a patient do not count."""
        if states.count(NONE) == len(states):
            return
        for state in STATES:
            if state != NONE and (count := states.count(state)):
                self._history.labels(state).inc(count)

    def observe_feedback(self, statuses: Sequence[str]) -> None:
        """Count the outcomes of one request."""
        for status in STATUSES:
            if count := statuses.count(status):
                self._feedback.labels(status).inc(count)


class ProbabilityHistogram(Collector):
    """The distribution of the answers. The library's histogram takes one value at a time; batches have 10,000."""

    def __init__(self) -> None:
        self._counts = [0] * len(_RISKS)
        self._sum = 0.0

    def observe(self, probabilities: NDArray[np.float32]) -> None:
        """Count every value."""
        if len(probabilities) == 1:
            value = float(probabilities[0])
            self._counts[min(bisect_left(_RISKS, value), len(_RISKS) - 1)] += 1
            self._sum += value
            return
        buckets = np.minimum(np.searchsorted(_RISKS, probabilities), len(_RISKS) - 1)
        for bucket, count in enumerate(np.bincount(buckets, minlength=len(_RISKS)).tolist()):
            self._counts[bucket] += count
        self._sum += float(probabilities.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as it is now."""
        totals = list(accumulate(self._counts))
        buckets = [(str(float(edge)), total) for edge, total in zip(_RISKS, totals, strict=True)]
        family = HistogramMetricFamily("api_prediction_probability", "Predicted probabilities.")
        family.add_metric([], [*buckets, ("+Inf", totals[-1])], self._sum)
        yield family


class ModelCollector(Collector):
    """The served model and the registry. Read from the store at a scrape, so never out of step with it."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The model's metrics as they are now."""
        store, model, state = self._store, self._store.current, self._store.registry_state
        yield _gauge("model_loaded", "1 when a model answers.", float(model is not None))
        yield _gauge(
            "model_served_version",
            "Version that answers; 0 is none.",
            _number(model.registered.version if model else None),
        )
        yield _gauge("model_registered_version", "Version that the alias names; 0 is none.", _number(state.version))
        skewed = model is not None and state.version not in (None, model.registered.version)
        yield _gauge("model_version_skew", "1 when another version answers than the registry named.", float(skewed))
        yield _gauge("model_registry_reachable", "1 when MLflow answered the last time.", float(state.reachable))
        yield _gauge(
            "model_last_reload_timestamp_seconds",
            "When the registry was last asked with success; before the first time, when the service started.",
            state.checked_timestamp,
        )
        failures = CounterMetricFamily("model_load_failures", "Models that were refused.", labels=["reason"])
        for reason, count in sorted(store.load_failures.items()):
            failures.add_metric([reason], count)
        yield failures
        info = GaugeMetricFamily(
            "model_info", "The model that answers.", labels=["name", "version", "algorithm", "data_source"]
        )
        if model is not None:
            registered, manifest = model.registered, model.bundle.manifest
            info.add_metric([registered.name, registered.version, manifest.algorithm, manifest.provenance], 1)
            yield _gauge("model_loaded_timestamp_seconds", "When the model was loaded.", model.loaded_timestamp)
            with suppress(ValueError):  # the manifest tells the time in words
                trained = datetime.fromisoformat(manifest.trained_at).timestamp()
                yield _gauge("model_trained_timestamp_seconds", "When the model was trained.", trained)
        yield info


class LoadCollector(Collector):
    """Requests that were refused because there was too much to do."""

    def __init__(self, load: Admission) -> None:
        self._load = load

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The refusals as they are now."""
        shed = CounterMetricFamily(
            "api_requests_shed", "Requests refused by what there was too much of.", labels=["reason"]
        )
        for reason, count in self._load.shed.items():
            shed.add_metric([reason], count)
        yield shed


class LogCollector(Collector):
    """The prediction log."""

    def __init__(self, log: PredictionLog) -> None:
        self._log = log

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The log's metrics as they are now."""
        yield CounterMetricFamily("prediction_log_written", "Predictions written to PostgreSQL.", self._log.written)
        yield CounterMetricFamily("prediction_log_dropped", "Predictions that were not written.", self._log.dropped)
        yield _gauge("prediction_log_queue_length", "Predictions waiting to be written.", float(self._log.waiting))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value)


def _number(version: str | None) -> float:
    return float(version) if version is not None and version.isdecimal() else 0.0
