"""The dashboard "Load test": what Locust asks, and what it does to the service."""

from infra.grafana.dashboard import Dashboard
from infra.grafana.panels import BLUE, ORANGE, RATE, RED, Query, quantile, stat, timeseries

LOCUST = (
    stat("Users", "Simulated users now.", "short", Query("sum(locust_users)", "users"), base=BLUE),
    stat(
        "Rate", "Requests per second that Locust sends.", "reqps", Query("sum(locust_current_rps)", "rate"), base=BLUE
    ),
    stat(
        "Requests",
        "Requests of the test so far.",
        "short",
        Query("sum(locust_requests_total) or vector(0)", "requests"),
        base=BLUE,
    ),
    stat(
        "Failures",
        "Requests of the last five minutes without a right answer.",
        "short",
        Query("sum(increase(locust_failures_total[5m])) or vector(0)", "failures"),
        thresholds=[(1, RED)],
    ),
    stat(
        "Share of load-test traffic",
        "Share of the scored records that came with X-Load-Test: 1.",
        "percentunit",
        Query(
            f'(sum(rate(api_predictions_total{{load_test="true"}}{RATE}))'
            f" or 0 * sum(rate(api_predictions_total{RATE})))"
            f" / (sum(rate(api_predictions_total{RATE})) > 0)",
            "load test",
        ),
        base=BLUE,
        width=8,
    ),
    timeseries(
        "Users and rate",
        "Simulated users, and the requests per second that they make.",
        "short",
        Query("sum(locust_users)", "users"),
        Query("sum(locust_current_rps)", "requests per second"),
    ),
    timeseries(
        "Response times as Locust sees them",
        "Quantiles over the last ten seconds, by kind of request.",
        "s",
        Query("max by (name, quantile) (locust_response_time_seconds)", "{{name}} {{quantile}}"),
    ),
)

SERVICE = (
    timeseries(
        "Latency of /predict in the service",
        "Median, p95 and p99 as the service measures them; what Locust sees beyond that is waiting and the network. "
        "Alert: ApiSlow.",
        "s",
        Query(quantile(0.50, "api_request_duration_seconds", matchers='route="/predict"'), "p50"),
        Query(quantile(0.95, "api_request_duration_seconds", matchers='route="/predict"'), "p95"),
        Query(quantile(0.99, "api_request_duration_seconds", matchers='route="/predict"'), "p99"),
        limits=[(0.5, ORANGE)],
    ),
    timeseries(
        "Answers of /predict by status",
        "503 of the route unmatched were refused before they had one: a load above capacity. Alert: ApiOverloaded.",
        "reqps",
        Query(
            f'sum by (route, status) (rate(api_request_duration_seconds_count{{route=~"/predict|unmatched"}}{RATE}))',
            "{{route}} {{status}}",
        ),
        stacked=True,
    ),
    timeseries(
        "Records per second",
        "Records scored, load test and others.",
        "ops",
        Query(f"sum by (load_test) (rate(api_predictions_total{RATE}))", "load test: {{load_test}}"),
        stacked=True,
        width=8,
    ),
    timeseries(
        "In flight and waiting",
        "Requests being answered, and predictions that wait to be logged. Alert: PredictionLogDropping.",
        "short",
        Query("sum(api_requests_in_flight)", "in flight"),
        Query("sum(prediction_log_queue_length)", "to be logged"),
        width=8,
    ),
    timeseries(
        "Processor of the machine",
        "At 100 % Locust and service take from each other: the figures then say little of the service.",
        "percentunit",
        Query(f'1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}{RATE}))', "{{instance}}"),
        limits=[(0.9, ORANGE)],
        top=1,
        width=8,
    ),
)

DASHBOARD = Dashboard(
    uid="load-test",
    title="Load test",
    description="What Locust asks of the service, and what that does to it.",
    variables=(),
    rows=(("Locust", LOCUST), ("The service meanwhile", SERVICE)),
)
