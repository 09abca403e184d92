"""All Prometheus queries of the Monitoring page. Grafana's dashboards and the alerting rules use the same expressions.

``$__rate_interval`` and ``$__range`` have the same meaning as in Grafana. Tests compare each expression with the
catalogue of metrics and with the dashboards, and parse it with Prometheus's own parser.
"""

from dataclasses import dataclass
from typing import Final

from ui.monitoring.window import Window


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and the metric that its values come from."""

    text: str
    metric: str

    def within(self, window: Window) -> str:
        """The expression with the ranges of a window."""
        text = self.text.replace("$__rate_interval", f"{window.rate_seconds}s")
        return text.replace("$__range", window.value)


_RATE: Final = "[$__rate_interval]"
_DURATION: Final = "api_request_duration_seconds"
_PREDICT: Final = '{route="/predict"}'


def _quantile(share: float) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({_DURATION}_bucket{_PREDICT}{_RATE})))"


# --- Headline: the last five minutes, as the alerts see them ----------------------------------------------------
REQUESTS_NOW: Final = Query(f"sum(route:api_requests:rate5m{_PREDICT})", _DURATION)
P95_NOW: Final = Query(f"max(route:api_request_duration_seconds:p95_5m{_PREDICT})", _DURATION)
P99_NOW: Final = Query(f"max(route:api_request_duration_seconds:p99_5m{_PREDICT})", _DURATION)
FAILING_NOW: Final = Query(f"max(route:api_requests_5xx:ratio_rate5m{_PREDICT})", _DURATION)
SERVED_NOW: Final = Query("max(model_served_version)", "model_served_version")

# --- Traffic and latency over the window ------------------------------------------------------------------------
RESPONSES: Final = Query(f"sum by (status) (rate({_DURATION}_count{_PREDICT}{_RATE}))", _DURATION)
P50: Final = Query(_quantile(0.5), _DURATION)
P95: Final = Query(_quantile(0.95), _DURATION)
P99: Final = Query(_quantile(0.99), _DURATION)
PREDICTIONS: Final = Query(f"sum by (model_version) (rate(api_predictions_total{_RATE}))", "api_predictions_total")
FAILING: Final = Query(f"max by (route) (route:api_requests_5xx:ratio_rate5m{_PREDICT})", _DURATION)

# --- Predicted risk ---------------------------------------------------------------------------------------------
SCORES: Final = Query(
    "sum by (le) (increase(api_prediction_probability_bucket[$__range]))", "api_prediction_probability"
)

# --- Drift: results of the last run of monitor_diabetes ---------------------------------------------------------
DATABASE_UP: Final = Query("max(warehouse_up)", "warehouse_up")
RUN_STATE: Final = Query("max(monitor_state)", "monitor_state")
RUN_TIME: Final = Query("max(monitor_last_run_timestamp_seconds)", "monitor_last_run_timestamp_seconds")
RUN_PREDICTIONS: Final = Query("max(monitor_window_predictions)", "monitor_window_predictions")
DRIFT_STATE: Final = Query("max by (kind, feature) (drift_state)", "drift_state")
DRIFT_DISTANCE: Final = Query("max by (kind, feature) (drift_distance)", "drift_distance")
DRIFT_THRESHOLD: Final = Query("max by (kind, feature) (drift_threshold)", "drift_threshold")

# --- Realised quality -------------------------------------------------------------------------------------------
REALISED: Final = Query(
    'max by (model_version, subgroup, metric, bound) (realised_quality{subgroup="all"})', "realised_quality"
)
ESTIMATED: Final = Query("max by (model_version, metric) (estimated_quality)", "estimated_quality")
OUTCOMES: Final = Query("max by (model_version) (realised_outcomes)", "realised_outcomes")
COVERAGE: Final = Query("max by (model_version) (realised_coverage_ratio)", "realised_coverage_ratio")

RANGE_QUERIES: Final = (RESPONSES, P50, P95, P99, PREDICTIONS, FAILING)
"""Evaluated at each step of the window."""
INSTANT_QUERIES: Final = (
    *(REQUESTS_NOW, P95_NOW, P99_NOW, FAILING_NOW, SERVED_NOW, SCORES),
    *(DATABASE_UP, RUN_STATE, RUN_TIME, RUN_PREDICTIONS, DRIFT_STATE, DRIFT_DISTANCE, DRIFT_THRESHOLD),
    *(REALISED, ESTIMATED, OUTCOMES, COVERAGE),
)
"""Evaluated now."""
QUERIES: Final = INSTANT_QUERIES + RANGE_QUERIES
"""All queries of one refresh."""
