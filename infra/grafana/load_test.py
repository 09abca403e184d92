"""The dashboard "Load test": the traffic that Locust sends, and its effect on the service."""

from infra.grafana.dashboard import Dashboard
from infra.grafana.limits import limit
from infra.grafana.panels import ORANGE, RED, share, stat, third, timeseries
from infra.grafana.promql import CPU_SHARE, LATENCY, LOAD_TEST_SHARE, PREDICT, quantile, rate

LOCUST = (
    stat("Users", "Simulated users now.", ("sum(locust_users)", "users")),
    stat("Rate", "Requests that Locust sends per second.", ("sum(locust_current_rps)", "rate"), unit="reqps"),
    stat("Requests", "Requests of the test so far.", ("sum(locust_requests_total) or vector(0)", "requests")),
    stat(
        "Failures",
        "Failed requests of the last five minutes.",
        ("sum(increase(locust_failures_total[5m])) or vector(0)", "failures"),
        thresholds=[(1, RED)],
    ),
    stat(
        "Share of load-test traffic",
        "Share of the scored records that were sent with X-Load-Test: 1.",
        (LOAD_TEST_SHARE, "load test"),
        unit="percentunit",
        width=8,
    ),
    timeseries(
        "Users and rate",
        "Simulated users, and the requests that they send per second.",
        ("sum(locust_users)", "users"),
        ("sum(locust_current_rps)", "requests per second"),
    ),
    timeseries(
        "Response times as Locust sees them",
        "Quantiles over the last ten seconds, by kind of request.",
        ("max by (name, quantile) (locust_response_time_seconds)", "{{name}} {{quantile}}"),
        unit="s",
    ),
)

SERVICE = (
    timeseries(
        "Latency of /predict in the service",
        "Median, p95 and p99 as measured by the service. The rest of Locust's response time is queueing and network.",
        (quantile(0.5, LATENCY, where=PREDICT), "p50"),
        (quantile(0.95, LATENCY, where=PREDICT), "p95"),
        (quantile(0.99, LATENCY, where=PREDICT), "p99"),
        unit="s",
        limits=[(limit("ApiSlow"), ORANGE)],
        alerts=["ApiSlow"],
    ),
    timeseries(
        "Answers of /predict by status",
        "A 503 of the route unmatched is a request shed before routing: the load exceeds the capacity.",
        (rate(f"{LATENCY}_count", by="route, status", where='{route=~"/predict|unmatched"}'), "{{route}} {{status}}"),
        unit="reqps",
        stacked=True,
        alerts=["ApiOverloaded"],
    ),
    third(
        "Records per second",
        "Scored records of the load test and of other clients.",
        (rate("api_predictions_total", by="load_test"), "load test: {{load_test}}"),
        unit="ops",
        stacked=True,
    ),
    third(
        "In flight and waiting",
        "Requests in progress, and predictions that wait to be logged.",
        ("sum(api_requests_in_flight)", "in flight"),
        ("sum(prediction_log_queue_length)", "to be logged"),
        alerts=["PredictionLogDropping"],
    ),
    share(
        "Processor of the machine",
        "Near 100 % Locust and the service compete for the processor, and the measurements say little of the service.",
        (CPU_SHARE, "{{instance}}"),
        limits=[(0.9, ORANGE)],
        width=8,
    ),
)

DASHBOARD = Dashboard(
    uid="load-test",
    title="Load test",
    description="The traffic that Locust sends, and its effect on the service.",
    variables=(),
    rows=(("Locust", LOCUST), ("The service meanwhile", SERVICE)),
)
