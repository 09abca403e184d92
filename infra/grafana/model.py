"""The dashboard "API and model": how predictions are served, and by which model."""

from infra.grafana.dashboard import Dashboard, Variable
from infra.grafana.panels import BLUE, ORANGE, RATE, RED, YES_NO, Panel, Query, heatmap, quantile, stat, timeseries
from infra.grafana.predictions import MODEL, PREDICTIONS

ROUTE = 'route=~"$route"'


def _latency(name: str, share: float) -> Panel:
    return timeseries(
        f"Latency {name} by route",
        f"{share:.0%} of the requests were answered within this time. Of the p95 of /predict: alert ApiSlow.",
        "s",
        Query(quantile(share, "api_request_duration_seconds", by="route", matchers=ROUTE), "{{route}}"),
        limits=[(0.5, ORANGE)] if name == "p95" else (),
        width=8,
    )


NOW = (
    stat(
        "Model",
        "Whether the API has a model; without one /predict answers 503. Alert: ApiNoModel.",
        "none",
        Query("min by (instance) (model_loaded)", "{{instance}}"),
        mappings=YES_NO,
    ),
    stat(
        "Served version",
        "Version of the model that answers.",
        "none",
        Query("max(model_served_version)", "served"),
        base=BLUE,
    ),
    stat(
        "Production version",
        "Version that the registry's alias production names. Other than served for 2 minutes: alert ModelVersionSkew.",
        "none",
        Query("model:registered_version:production", "registered"),
        base=BLUE,
    ),
    stat(
        "Requests",
        "Requests to /predict per second.",
        "reqps",
        Query(f'sum(rate(api_request_duration_seconds_count{{route="/predict"}}{RATE})) or vector(0)', "requests"),
        base=BLUE,
    ),
    stat(
        "Failing predictions",
        "Share of the requests to /predict answered with a 5xx, over five minutes. Alert: ApiServerErrors.",
        "percentunit",
        Query('max(route:api_requests_5xx:ratio_rate5m{route="/predict"})', "5xx"),
        thresholds=[(0.01, ORANGE), (0.05, RED)],
    ),
    stat(
        "p95 of /predict",
        "19 of 20 requests to /predict were answered within this time, over five minutes.",
        "s",
        Query('max(route:api_request_duration_seconds:p95_5m{route="/predict"})', "p95"),
        thresholds=[(0.1, ORANGE), (0.5, RED)],
    ),
    stat(
        "Error budget burnt",
        "How many times faster than the objective of 99.9 % allows /predict failed, over an hour. Alert: "
        "ErrorBudgetBurnFast.",
        "short",
        Query('max(route:api_requests_5xx:ratio_rate1h{route="/predict"}) / 0.001', "times"),
        thresholds=[(1, ORANGE), (14.4, RED)],
        width=24,
    ),
)

TRAFFIC = (
    timeseries(
        "Requests by route",
        "Requests per second, by route template.",
        "reqps",
        Query(f"sum by (route) (rate(api_request_duration_seconds_count{{{ROUTE}}}{RATE}))", "{{route}}"),
        width=8,
    ),
    timeseries(
        "Answers by status",
        "Requests per second, by HTTP status. 4xx are faults of callers, 5xx are ours.",
        "reqps",
        Query(f"sum by (status) (rate(api_request_duration_seconds_count{{{ROUTE}}}{RATE}))", "{{status}}"),
        stacked=True,
        width=8,
    ),
    timeseries(
        "5xx share by route",
        "Share of the answers that are a 5xx, over five minutes. /ready and /model answer 503 while there is no model. "
        "Alerts: ErrorBudgetBurnFast and ErrorBudgetBurnSlow.",
        "percentunit",
        Query(f"max by (route) (route:api_requests_5xx:ratio_rate5m{{{ROUTE}}})", "{{route}}"),
        limits=[(0.05, RED)],
        width=8,
    ),
    _latency("p50", 0.50),
    _latency("p95", 0.95),
    _latency("p99", 0.99),
    heatmap(
        "Latency of /predict",
        "How many requests fell into each bucket of duration: two bands are two kinds of request, such as single "
        "records and batches.",
        "s",
        Query(f'sum by (le) (increase(api_request_duration_seconds_bucket{{route="/predict"}}{RATE}))'),
    ),
    timeseries(
        "Requests in flight",
        "Requests being answered, and those that wait for a call of the model.",
        "short",
        Query("sum by (instance) (api_requests_in_flight)", "{{instance}}"),
        Query("sum by (instance) (api_scoring_queue_length)", "waiting in {{instance}}"),
        width=6,
    ),
    timeseries(
        "Records per request",
        "Median and 95th percentile of the batch size.",
        "short",
        Query(quantile(0.50, "api_batch_size"), "p50"),
        Query(quantile(0.95, "api_batch_size"), "p95"),
        width=6,
    ),
    timeseries(
        "Time by stage",
        "Mean time of a call of the model for small requests, and of writing a batch of the prediction log.",
        "s",
        Query(
            f"sum by (stage) (rate(api_stage_duration_seconds_sum{RATE}))"
            f" / (sum by (stage) (rate(api_stage_duration_seconds_count{RATE})) > 0)",
            "{{stage}}",
        ),
    ),
    timeseries(
        "Refused requests",
        "Requests refused with 503 per second, by what there was too much of. Alert: ApiOverloaded.",
        "reqps",
        Query(f"sum by (reason) (rate(api_requests_shed_total{RATE}))", "{{reason}}"),
    ),
)

DASHBOARD = Dashboard(
    uid="api-model",
    title="API and model",
    description="How predictions are served, built on api_request_duration_seconds, and by which model.",
    variables=(
        Variable(
            "route", "Route", "Routes of the API shown.", "label_values(api_request_duration_seconds_count, route)"
        ),
    ),
    rows=(("Now", NOW), ("Traffic", TRAFFIC), ("Predictions", PREDICTIONS), ("Model and prediction log", MODEL)),
)
