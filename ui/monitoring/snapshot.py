"""One refresh of the Monitoring page: all requests are sent at once, and each yields its own result or error."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ui.clients.api import ApiClient
from ui.clients.api_models import MonitoringResults, ServedModel
from ui.clients.errors import ServiceError, result_or_error
from ui.clients.prometheus import PrometheusClient, Sample, TimeSeries
from ui.monitoring import api_samples
from ui.monitoring.alert_rules import Alert, AlertRule, fetch_rules
from ui.monitoring.api_readings import ApiReadings, Reading
from ui.monitoring.queries import INSTANT_QUERIES, QUERIES, RANGE_QUERIES, REQUESTS_NOW, Query
from ui.monitoring.window import Window


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All results; ``taken_at`` is in seconds since 1970."""

    window: Window
    taken_at: float
    samples: Mapping[Query, tuple[Sample, ...] | ServiceError]
    lines: Mapping[Query, tuple[TimeSeries, ...] | ServiceError]
    rules: tuple[AlertRule, ...] | ServiceError
    served: ServedModel | ServiceError
    results: MonitoringResults | ServiceError
    without_prometheus: ServiceError | None = None
    """The error of Prometheus, whose values are replaced by those of the API."""

    @property
    def prometheus_error(self) -> ServiceError | None:
        """The first error if every request to Prometheus failed."""
        results = [*self.samples.values(), *self.lines.values(), self.rules]
        errors = [result for result in results if isinstance(result, ServiceError)]
        return errors[0] if len(errors) == len(results) else None

    @property
    def has_no_traffic(self) -> bool:
        """Whether traffic cannot be read."""
        return isinstance(self.samples[REQUESTS_NOW], ServiceError)

    @property
    def served_model(self) -> ServedModel | None:
        """The model that the API serves, if it is known."""
        return self.served if isinstance(self.served, ServedModel) else None

    def value(self, query: Query) -> float | ServiceError | None:
        """The value of a query with one sample; None without any."""
        result = self.samples[query]
        if isinstance(result, ServiceError):
            return result
        return result[0].value if result else None

    def alerts(self) -> tuple[Alert, ...] | ServiceError:
        """The pending and firing alerts of all rules."""
        if isinstance(self.rules, ServiceError):
            return self.rules
        return tuple(alert for rule in self.rules for alert in rule.alerts)

    def limits(self, alert: str) -> tuple[float, ...]:
        """The values at which an alert begins; empty if its rule is not known or compares no series with a number."""
        rules = () if isinstance(self.rules, ServiceError) else self.rules
        return tuple(limit for rule in rules if rule.name == alert for limit in rule.limits)


def take(prometheus: PrometheusClient, api: ApiClient, readings: ApiReadings, window: Window) -> Snapshot:
    """Send all requests at once and wait for the slowest. Without Prometheus, the values are those of the API."""
    end = time.time()

    def evaluate(query: Query) -> tuple[Sample, ...] | ServiceError:
        return result_or_error(lambda: prometheus.query(query.within(window)))

    def evaluate_range(query: Query) -> tuple[TimeSeries, ...] | ServiceError:
        start = end - window.seconds
        return result_or_error(lambda: prometheus.query_range(query.within(window), start, end, window.step))

    with ThreadPoolExecutor(max_workers=len(QUERIES) + 3) as pool:
        served = pool.submit(result_or_error, api.served_model)
        results = pool.submit(result_or_error, api.monitoring)
        rules = pool.submit(result_or_error, lambda: fetch_rules(prometheus))
        instant, ranges = pool.map(evaluate, INSTANT_QUERIES), pool.map(evaluate_range, RANGE_QUERIES)
        samples = dict(zip(INSTANT_QUERIES, instant, strict=True))
        lines = dict(zip(RANGE_QUERIES, ranges, strict=True))
        snapshot = Snapshot(window, end, samples, lines, rules.result(), served.result(), results.result())
    if error := snapshot.prometheus_error:
        return _from_api(snapshot, error, result_or_error(readings.take))
    return snapshot


def _from_api(snapshot: Snapshot, error: ServiceError, readings: tuple[Reading, ...] | ServiceError) -> Snapshot:
    """The snapshot with the values of the API; its readings cover the last hour."""
    window = min(snapshot.window, Window.HOUR, key=lambda one: one.seconds)
    samples, lines = api_samples.traffic(readings, window)
    samples |= api_samples.results(snapshot.results)
    return replace(snapshot, window=window, samples=samples, lines=lines, without_prometheus=error)
