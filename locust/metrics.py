"""``/metrics`` for Prometheus on Locust's own web port, read from its live statistics at each scrape."""

from collections.abc import Iterator
from typing import Final

from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, WorkerRunner
from locust.stats import RequestStats
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

QUANTILES: Final = (0.5, 0.95, 0.99)


class LocustCollector(Collector):
    """Turns the statistics of a load test into metrics."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def collect(self) -> Iterator[Metric]:
        """All metrics as of now; rate and response times are 0 and absent while no test runs."""
        runner, stats = self._environment.runner, self._environment.stats
        running = runner is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING)
        yield GaugeMetricFamily("locust_users", "Simulated users.", value=runner.user_count if runner else 0)
        yield GaugeMetricFamily(
            "locust_current_rps", "Requests per second.", value=stats.total.current_rps if running else 0
        )
        yield from _counters(stats)
        yield _response_times(stats, running)


def _counters(stats: RequestStats) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "locust_requests", "Requests sent, failed ones among them.", labels=["name", "method"]
    )
    failures = CounterMetricFamily("locust_failures", "Requests without a right answer.", labels=["name", "method"])
    for entry in list(stats.entries.values()):
        requests.add_metric([entry.name, entry.method], entry.num_requests)
        failures.add_metric([entry.name, entry.method], entry.num_failures)
    yield requests
    yield failures


def _response_times(stats: RequestStats, running: bool) -> Metric:
    times = GaugeMetricFamily(
        "locust_response_time_seconds", "Response times of the last ten seconds.", labels=["quantile", "name"]
    )
    for entry in list(stats.entries.values()) if running else ():
        for quantile in QUANTILES:
            milliseconds = entry.get_current_response_time_percentile(quantile)
            if milliseconds is not None:
                times.add_metric([str(quantile), entry.name], milliseconds / 1000)
    return times


def serve_metrics(environment: Environment) -> None:
    """Add ``/metrics`` to the web interface, where there is one."""
    if environment.web_ui is None or isinstance(environment.runner, WorkerRunner):
        return
    registry = CollectorRegistry()
    registry.register(LocustCollector(environment))

    @environment.web_ui.app.route("/metrics")
    def metrics() -> tuple[bytes, dict[str, str]]:
        return generate_latest(registry), {"Content-Type": CONTENT_TYPE_LATEST}
