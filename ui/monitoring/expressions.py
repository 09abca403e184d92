"""Every question this page puts to Prometheus: the ones that Grafana's dashboards and the alerts put too.

``$__rate_interval`` and ``$__range`` stand for what they stand for in Grafana. Tests hold each expression to the
catalogue of metrics, to the dashboards and to Prometheus's own parser.
"""

from dataclasses import dataclass
from typing import Final

from ui.monitoring.window import Window


@dataclass(frozen=True, slots=True)
class Question:
    """One expression; ``metric`` is the one that its figures come from."""

    text: str
    metric: str

    def within(self, window: Window) -> str:
        """The expression with the ranges that fit the window."""
        ranges = {"$__rate_interval": f"{window.rate_seconds}s", "$__range": window.value}
        text = self.text
        for name, value in ranges.items():
            text = text.replace(name, value)
        return text


class Now(Question):
    """Asked for the present moment."""


class OverTime(Question):
    """Asked for the window, step by step."""


_RATE: Final = "[$__rate_interval]"
_DURATION: Final = "api_request_duration_seconds"
_PREDICT: Final = '{route="/predict"}'


def _quantile(share: float) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({_DURATION}_bucket{_PREDICT}{_RATE})))"


# --- The strip: the last five minutes, as the alerts see them ---------------------------------------------------
REQUESTS_NOW: Final = Now(f"sum(route:api_requests:rate5m{_PREDICT})", _DURATION)
P95_NOW: Final = Now(f"max(route:api_request_duration_seconds:p95_5m{_PREDICT})", _DURATION)
P99_NOW: Final = Now(f"max(route:api_request_duration_seconds:p99_5m{_PREDICT})", _DURATION)
FAILING_NOW: Final = Now(f"max(route:api_requests_5xx:ratio_rate5m{_PREDICT})", _DURATION)
SERVED_NOW: Final = Now("max(model_served_version)", "model_served_version")
FIRING_NOW: Final = Now('count(ALERTS{alertstate="firing"}) or vector(0)', "ALERTS")

# --- Traffic and latency over the window ------------------------------------------------------------------------
ANSWERS: Final = OverTime(f"sum by (status) (rate({_DURATION}_count{_PREDICT}{_RATE}))", _DURATION)
P50: Final = OverTime(_quantile(0.5), _DURATION)
P95: Final = OverTime(_quantile(0.95), _DURATION)
P99: Final = OverTime(_quantile(0.99), _DURATION)
PREDICTIONS: Final = OverTime(f"sum by (model_version) (rate(api_predictions_total{_RATE}))", "api_predictions_total")
FAILING: Final = OverTime(f"max by (route) (route:api_requests_5xx:ratio_rate5m{_PREDICT})", _DURATION)

# --- Predicted risk ---------------------------------------------------------------------------------------------
SCORES: Final = Now(
    "sum by (le) (increase(api_prediction_probability_bucket[$__range]))",
    "api_prediction_probability",
)

# --- Drift: what the last run of monitor_diabetes found ---------------------------------------------------------
DATABASE_UP: Final = Now("max(warehouse_up)", "warehouse_up")
RUN_STATE: Final = Now("max(monitor_state)", "monitor_state")
RUN_TIME: Final = Now("max(monitor_last_run_timestamp_seconds)", "monitor_last_run_timestamp_seconds")
RUN_PREDICTIONS: Final = Now("max(monitor_window_predictions)", "monitor_window_predictions")
DRIFT_STATE: Final = Now("max by (kind, feature) (drift_state)", "drift_state")
DRIFT_DISTANCE: Final = Now("max by (kind, feature) (drift_distance)", "drift_distance")
DRIFT_THRESHOLD: Final = Now("max by (kind, feature) (drift_threshold)", "drift_threshold")

# --- Realised quality -------------------------------------------------------------------------------------------
REALISED: Final = Now(
    'max by (model_version, subgroup, metric, bound) (realised_quality{subgroup="all"})', "realised_quality"
)
ESTIMATED: Final = Now("max by (model_version, metric) (estimated_quality)", "estimated_quality")
OUTCOMES: Final = Now("max by (model_version) (realised_outcomes)", "realised_outcomes")
COVERAGE: Final = Now("max by (model_version) (realised_coverage_ratio)", "realised_coverage_ratio")

QUESTIONS: Final = (
    *(REQUESTS_NOW, P95_NOW, P99_NOW, FAILING_NOW, SERVED_NOW, FIRING_NOW),
    *(ANSWERS, P50, P95, P99, PREDICTIONS, FAILING),
    SCORES,
    *(DATABASE_UP, RUN_STATE, RUN_TIME, RUN_PREDICTIONS, DRIFT_STATE, DRIFT_DISTANCE, DRIFT_THRESHOLD),
    *(REALISED, ESTIMATED, OUTCOMES, COVERAGE),
)
"""All of them: one refresh of the page."""

# --- Where the alerts begin; the rules say so -------------------------------------------------------------------
SLOW_SECONDS: Final = 0.5
"""ApiSlow: the p95 of /predict."""
FAILING_SHARE: Final = 0.05
"""ApiServerErrors: answers of /predict that are a 5xx."""
LEAST_AUROC: Final = 0.62
"""RealisedQualityLow: the upper end of the interval."""
MOST_INTERCEPT: Final = 0.2
"""CalibrationOff: the end of the interval that is nearer to 0."""
