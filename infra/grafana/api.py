"""The dashboard "API and model": requests to the prediction service, and the model that it serves."""

from infra.grafana.dashboard import Dashboard, variable
from infra.grafana.limits import limit, limit_factors
from infra.grafana.model import MODEL, PREDICTIONS
from infra.grafana.panels import ORANGE, RED, YES_NO, Panel, heatmap, stat, third, timeseries
from infra.grafana.promql import INTERVAL, LATENCY, PREDICT, mean, quantile, rate

ROUTE = '{route=~"$route"}'
BURN_RATE, ERROR_BUDGET = limit_factors("ErrorBudgetBurnFast")


def _latency(percent: int) -> Panel:
    return third(
        f"Latency p{percent} by route",
        f"{percent}% of the requests took at most this time.",
        (quantile(percent / 100, LATENCY, by="route", where=ROUTE), "{{route}}"),
        limits=[(limit("ApiSlow"), ORANGE)] if percent == 95 else (),
        unit="s",
        alerts=["ApiSlow"],
    )


NOW = (
    stat(
        "Model",
        "Whether the API has a model. Without one, /predict responds with 503.",
        ("min by (instance) (model_loaded)", "{{instance}}"),
        mappings=YES_NO,
        alerts=["ApiNoModel"],
    ),
    stat(
        "Served version",
        "Version of the model that each instance serves.",
        ("max by (instance) (model_served_version)", "{{instance}}"),
        unit="none",
    ),
    stat(
        "Production version",
        "Version of the alias production in the registry. The API follows it within seconds.",
        ("model:registered_version:production", "registered"),
        unit="none",
        alerts=["ModelVersionSkew"],
    ),
    stat(
        "Requests",
        "Requests to /predict per second.",
        (f"{rate(f'{LATENCY}_count', where=PREDICT)} or vector(0)", "requests"),
        unit="reqps",
    ),
    stat(
        "Failing predictions",
        "Share of the requests to /predict with a 5xx response, over five minutes.",
        (f"max(route:api_requests_5xx:ratio_rate5m{PREDICT})", "5xx"),
        unit="percentunit",
        thresholds=[(0.01, ORANGE), (limit("ApiServerErrors"), RED)],
        alerts=["ApiServerErrors"],
    ),
    stat(
        "p95 of /predict",
        "95 % of the requests to /predict took at most this time, over five minutes.",
        (f"max(route:api_request_duration_seconds:p95_5m{PREDICT})", "p95"),
        unit="s",
        thresholds=[(0.1, ORANGE), (limit("ApiSlow"), RED)],
    ),
    stat(
        "Error budget burnt",
        "Burn rate of /predict over one hour: 1 uses up the error budget of the objective, 99.9 %, in 30 days.",
        (f"max(route:api_requests_5xx:ratio_rate1h{PREDICT}) / {ERROR_BUDGET}", "times"),
        thresholds=[(1, ORANGE), (BURN_RATE, RED)],
        width=24,
        alerts=["ErrorBudgetBurnFast"],
    ),
)

TRAFFIC = (
    third(
        "Requests by route",
        "Requests per second, by route template.",
        (rate(f"{LATENCY}_count", by="route", where=ROUTE), "{{route}}"),
        unit="reqps",
    ),
    third(
        "Answers by status",
        "Requests per second, by HTTP status. 4xx are client errors, 5xx are server errors.",
        (rate(f"{LATENCY}_count", by="status", where=ROUTE), "{{status}}"),
        unit="reqps",
        stacked=True,
    ),
    third(
        "5xx share by route",
        "Share of 5xx responses over five minutes. Without a model, /ready and /model respond with 503.",
        (f"max by (route) (route:api_requests_5xx:ratio_rate5m{ROUTE})", "{{route}}"),
        unit="percentunit",
        limits=[(limit("ApiServerErrors"), RED)],
        alerts=["ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"],
    ),
    *map(_latency, (50, 95, 99)),
    heatmap(
        "Latency of /predict",
        "Number of requests by duration. Two bands are two kinds of request, such as single records and batches.",
        f"sum by (le) (increase({LATENCY}_bucket{PREDICT}{INTERVAL}))",
        unit="s",
    ),
    timeseries(
        "Requests in flight",
        "Requests in progress, small ones that wait for a model call, and large batches that wait for their turn.",
        ("sum by (instance) (api_requests_in_flight)", "{{instance}}"),
        ("sum by (instance) (api_scoring_queue_length)", "waiting in {{instance}}"),
        ("sum by (instance) (api_large_batches_waiting)", "large batches waiting in {{instance}}"),
        width=6,
    ),
    timeseries(
        "Records per request",
        "Median and 95th percentile of the batch size.",
        (quantile(0.5, "api_batch_size"), "p50"),
        (quantile(0.95, "api_batch_size"), "p95"),
        width=6,
    ),
    third(
        "Requests to /predict by instance",
        "Requests per second of each replica. HAProxy spreads them evenly over those that are ready.",
        (rate(f"{LATENCY}_count", by="instance", where=PREDICT), "{{instance}}"),
        unit="reqps",
        stacked=True,
    ),
    third(
        "Time by stage",
        "Mean duration of a model call for small requests, and of writing a batch to the prediction log.",
        (mean("api_stage_duration_seconds", by="stage"), "{{stage}}"),
        unit="s",
    ),
    third(
        "Refused requests",
        "Requests refused with 503 per second, by the limit that was reached.",
        (rate("api_requests_shed_total", by="reason"), "{{reason}}"),
        unit="reqps",
        alerts=["ApiOverloaded"],
    ),
)

DASHBOARD = Dashboard(
    uid="api-model",
    title="API and model",
    description="Requests to the prediction service, from api_request_duration_seconds, and the model that it serves.",
    variables=(variable("route", "Route", "Routes of the API.", f"label_values({LATENCY}_count, route)"),),
    rows=(("Now", NOW), ("Traffic", TRAFFIC), ("Predictions", PREDICTIONS), ("Model and prediction log", MODEL)),
)
