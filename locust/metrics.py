"""``/metrics`` for Prometheus on Locust's web port, computed from its statistics at each scrape."""

import os
from collections.abc import Iterator

from flask import request
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, WorkerRunner
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector


class LocustCollector(Collector):
    """Converts the statistics of a load test to metrics."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; without a running test, the rate is 0 and there are no response times."""
        runner, stats = self._environment.runner, self._environment.stats
        running = runner is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING)
        rate = stats.total.current_rps if running else 0
        build = [os.environ.get(name, "unknown") for name in ("BUILD_VERSION", "BUILD_COMMIT")]
        info = GaugeMetricFamily("build_info", "Version and commit.", labels=["service", "version", "commit"])
        info.add_metric(["locust", *build], 1)
        yield info
        yield GaugeMetricFamily("locust_users", "Simulated users.", value=runner.user_count if runner else 0)
        yield GaugeMetricFamily("locust_current_rps", "Requests per second.", value=rate)
        labels = ["name", "method"]
        requests = CounterMetricFamily("locust_requests", "Requests, including failed ones.", labels=labels)
        failures = CounterMetricFamily("locust_failures", "Requests without a valid response.", labels=labels)
        times = GaugeMetricFamily(
            "locust_response_time_seconds", "Response times of the last ten seconds.", labels=["quantile", "name"]
        )
        for entry in list(stats.entries.values()):
            requests.add_metric([entry.name, entry.method], entry.num_requests)
            failures.add_metric([entry.name, entry.method], entry.num_failures)
            for quantile in (0.5, 0.95, 0.99) if running else ():
                milliseconds = entry.get_current_response_time_percentile(quantile)
                if milliseconds is not None:
                    times.add_metric([str(quantile), entry.name], milliseconds / 1000)
        yield from (requests, failures, times)


def serve_metrics(environment: Environment) -> None:
    """Add ``/metrics`` to the web interface, if there is one."""
    if environment.web_ui is None or isinstance(environment.runner, WorkerRunner):
        return
    registry = CollectorRegistry()
    registry.register(LocustCollector(environment))

    @environment.web_ui.app.route("/metrics")
    def metrics() -> tuple[bytes, dict[str, str]]:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return encode(registry), {"Content-Type": content_type}
