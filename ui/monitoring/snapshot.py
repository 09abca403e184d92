"""One refresh of the Monitoring page: all requests are sent at once, and each yields its own result or error."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ui.clients.api import ApiClient
from ui.clients.api_models import ServedModel
from ui.clients.errors import NoModelYet, ServiceError, result_or_error
from ui.clients.prometheus import PrometheusClient, Sample, TimeSeries
from ui.monitoring.alert_rules import Alert, AlertRule, fetch_rules
from ui.monitoring.queries import INSTANT_QUERIES, QUERIES, RANGE_QUERIES, Query
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
    ready: str | ServiceError

    @property
    def prometheus_error(self) -> ServiceError | None:
        """The first error if every request to Prometheus failed."""
        results = [*self.samples.values(), *self.lines.values(), self.rules]
        errors = [result for result in results if isinstance(result, ServiceError)]
        return errors[0] if len(errors) == len(results) else None

    @property
    def is_ready(self) -> bool | None:
        """Whether the API has a model in service; None if the API does not answer."""
        if isinstance(self.ready, str):
            return True
        return False if isinstance(self.ready, NoModelYet) else None

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


def take(prometheus: PrometheusClient, api: ApiClient, window: Window) -> Snapshot:
    """Send all requests at once and wait for the slowest."""
    end = time.time()

    def evaluate(query: Query) -> tuple[Sample, ...] | ServiceError:
        return result_or_error(lambda: prometheus.query(query.within(window)))

    def evaluate_range(query: Query) -> tuple[TimeSeries, ...] | ServiceError:
        start = end - window.seconds
        return result_or_error(lambda: prometheus.query_range(query.within(window), start, end, window.step))

    with ThreadPoolExecutor(max_workers=len(QUERIES) + 3) as pool:
        served = pool.submit(result_or_error, api.served_model)
        ready = pool.submit(result_or_error, lambda: api.fetch(str, "GET", "/ready", key="status"))
        rules = pool.submit(result_or_error, lambda: fetch_rules(prometheus))
        instant, ranges = pool.map(evaluate, INSTANT_QUERIES), pool.map(evaluate_range, RANGE_QUERIES)
        samples = dict(zip(INSTANT_QUERIES, instant, strict=True))
        lines = dict(zip(RANGE_QUERIES, ranges, strict=True))
        return Snapshot(window, end, samples, lines, rules.result(), served.result(), ready.result())
