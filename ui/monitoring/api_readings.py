"""Readings of the API's own metrics, kept for an hour: the source of traffic while Prometheus does not answer."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from ui.clients.api import ApiClient

EVERY_SECONDS: Final = 15
KEPT_SECONDS: Final = 3600
_FRESH_SECONDS: Final = 5
"""A reading of this age is good enough for another session."""

RESPONSES: Final = "api_request_duration_seconds_count"
DURATIONS: Final = "api_request_duration_seconds_bucket"
PREDICTIONS: Final = "api_predictions_total"
RISKS: Final = "api_prediction_probability_bucket"
SERVED: Final = "model_served_version"
_LABELS: Final = {RESPONSES: "status", DURATIONS: "le", PREDICTIONS: "model_version", RISKS: "le"}
"""The label that distinguishes the series of a counter; the others are summed up."""
_STARTED: Final = "process_start_time_seconds"

Key = tuple[str, str]
"""A counter, and the value of its label."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters at one moment, of the process of the API that started at ``started``."""

    at: float
    started: float
    counters: Mapping[Key, float]
    served: float | None = None


@dataclass(frozen=True, slots=True)
class Growth:
    """By how much the counters grew from ``since`` to ``at``."""

    since: float
    at: float
    by: Mapping[Key, float]


class ApiReadings:
    """The readings of the last hour. All sessions share one instance."""

    def __init__(self, api: ApiClient) -> None:
        self._api, self._lock = api, Lock()
        self._readings: list[Reading] = []

    def take(self) -> tuple[Reading, ...]:
        """All readings, with one of the present moment.

        Raises:
            ServiceError: the API does not answer as expected.
        """
        with self._lock:
            now = time.time()
            if not self._readings or now - self._readings[-1].at >= _FRESH_SECONDS:
                newest = parse(self._api.metrics(), now)
                self._readings = [one for one in self._readings if one.at > now - KEPT_SECONDS] + [newest]
            return tuple(self._readings)


def parse(text: str, at: float) -> Reading:
    """A reading from Prometheus's text format. Requests of other routes than /predict are left out."""
    counters: dict[Key, float] = defaultdict(float)
    started, served = [0.0], None
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _STARTED:
                started.append(sample.value)
            elif sample.name == SERVED:
                served = sample.value
            elif sample.name in _LABELS and sample.labels.get("route", "/predict") == "/predict":
                counters[sample.name, sample.labels[_LABELS[sample.name]]] += sample.value
    return Reading(at, max(started), counters, served)  # of several workers, the newest


def growths(readings: Sequence[Reading], start: float) -> Iterator[Growth]:
    """The growth up to each reading since ``start``, compared with the last reading of the same process.

    Replicas of the API answer in turn. A process that started after ``start`` counts from 0.
    """
    newest: dict[float, Reading] = {}
    for reading in readings:
        before = newest.get(reading.started)
        newest[reading.started] = reading
        if reading.at < start:
            continue
        if before is not None and before.at >= start:
            by = {key: max(0.0, value - before.counters.get(key, 0.0)) for key, value in reading.counters.items()}
            yield Growth(before.at, reading.at, by)
        elif before is None and reading.started >= start:
            yield Growth(reading.started, reading.at, reading.counters)
