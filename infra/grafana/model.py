"""Rows of the dashboard "API and model": predictions, the served model and the prediction log."""

from infra.grafana.limits import limit
from infra.grafana.panels import ORANGE, YES_NO, heatmap, share, stat, table, third, timeline, timeseries
from infra.grafana.promql import FLAGGED_SHARE, INTERVAL, LOAD_TEST_SHARE, mean, quantile, rate

RISK = "api_prediction_probability"

PREDICTIONS = (
    timeseries(
        "Predictions by version",
        "Scored records per second, by model version. During a swap one version replaces the other.",
        (rate("api_predictions_total", by="model_version"), "version {{model_version}}"),
        unit="ops",
        stacked=True,
    ),
    share(
        "Share of load-test traffic",
        "Share of the scored records that were sent with X-Load-Test: 1; drift and realised quality leave them out.",
        (LOAD_TEST_SHARE, "load test"),
    ),
    share(
        "Share flagged by the policy",
        "Share of the scored records at or above the threshold of the policy, load tests apart; 0 without a policy.",
        (FLAGGED_SHARE, "flagged"),
    ),
    heatmap(
        "Predicted risk",
        "Distribution of the predicted probabilities. A band that moves means another model or other patients.",
        f"sum by (le) (increase({RISK}_bucket{INTERVAL}))",
        unit="percentunit",
    ),
    timeseries(
        "Mean and median risk",
        "Mean and quantiles of the predicted probabilities. In the data set 11 % are readmitted within 30 days.",
        (mean(RISK), "mean"),
        (quantile(0.5, RISK), "median"),
        (quantile(0.9, RISK), "p90"),
        unit="percentunit",
    ),
)

MODEL = (
    table(
        "The model that answers",
        "The model that each instance of the API serves, and the source of its training data.",
        "model_info",
        {"instance": "API", "name": "Model", "version": "Version", "algorithm": "Algorithm", "data_source": "Data"},
        height=6,
    ),
    timeseries(
        "Served and registered version",
        "All lines are equal except for the seconds of a swap; decided is the version of the gate's last decision.",
        ("max by (instance) (model_served_version)", "served by {{instance}}"),
        ("max by (alias) (mlflow_registered_model_version)", "{{alias}}"),
        ("max(gate_decided_version)", "decided"),
        unit="none",
        height=6,
        alerts=["ModelVersionSkew", "ModelMovedByHand"],
    ),
    timeline(
        "Registry reachable",
        "Whether the API's last request to MLflow succeeded. Predictions do not depend on it.",
        ("min by (instance) (model_registry_reachable)", "{{instance}}"),
        YES_NO,
        width=8,
        height=6,
        alerts=["ModelRegistryUnreachable"],
    ),
    third(
        "Since the registry was last asked",
        "Seconds since the last successful check of the registry; the API polls it every few seconds.",
        ("time() - max by (instance) (model_last_reload_timestamp_seconds)", "{{instance}}"),
        unit="s",
        limits=[(limit("ModelRefreshStuck"), ORANGE)],
        height=6,
        alerts=["ModelRefreshStuck"],
    ),
    third(
        "Refused models",
        "Models that failed to load or failed their checks since the API started, by reason. Normally empty.",
        ("sum by (reason) (model_load_failures_total)", "{{reason}}"),
        height=6,
        alerts=["ModelLoadFailing", "ModelUnapproved"],
    ),
    stat(
        "Model loaded for",
        "Time since the served model was loaded.",
        ("time() - max by (instance) (model_loaded_timestamp_seconds)", "{{instance}}"),
        unit="s",
    ),
    stat(
        "Age of the model",
        "Time since the served model was trained.",
        ("time() - max by (instance) (model_trained_timestamp_seconds)", "{{instance}}"),
        unit="s",
    ),
    third(
        "Prediction log",
        "Entries written to PostgreSQL and dropped, per second. Dropping an entry does not affect the prediction.",
        (rate("prediction_log_written_total"), "written"),
        (rate("prediction_log_dropped_total"), "dropped"),
        unit="ops",
        height=6,
        alerts=["PredictionLogDropping"],
    ),
    third(
        "Prediction log queue",
        "Entries that wait to be written. Entries are dropped when the queue is full.",
        ("sum by (instance) (prediction_log_queue_length)", "{{instance}}"),
        height=6,
    ),
)
