"""Rows on what is predicted, by which model, and what is written down of it."""

from infra.grafana.panels import (
    BLUE,
    ORANGE,
    RATE,
    YES_NO,
    Query,
    heatmap,
    quantile,
    stat,
    table,
    timeline,
    timeseries,
)

PREDICTIONS = (
    timeseries(
        "Predictions by version",
        "Records scored per second, by model version. During a swap one line takes over from the other.",
        "ops",
        Query(f"sum by (model_version) (rate(api_predictions_total{RATE}))", "version {{model_version}}"),
        stacked=True,
    ),
    timeseries(
        "Share of load-test traffic",
        "Share of the scored records that came with X-Load-Test: 1; they are kept out of drift and quality figures.",
        "percentunit",
        Query(
            f'(sum(rate(api_predictions_total{{load_test="true"}}{RATE}))'
            f" or 0 * sum(rate(api_predictions_total{RATE})))"
            f" / (sum(rate(api_predictions_total{RATE})) > 0)",
            "load test",
        ),
        top=1,
    ),
    heatmap(
        "Predicted risk",
        "Distribution of the predicted probabilities; a band that moves is another model or other patients.",
        "percentunit",
        Query(f"sum by (le) (increase(api_prediction_probability_bucket{RATE}))"),
    ),
    timeseries(
        "Mean and median risk",
        "Average and quantiles of the predicted probabilities. 11 % of the encounters are readmitted within 30 days.",
        "percentunit",
        Query(
            f"sum(rate(api_prediction_probability_sum{RATE}))"
            f" / (sum(rate(api_prediction_probability_count{RATE})) > 0)",
            "mean",
        ),
        Query(quantile(0.50, "api_prediction_probability"), "median"),
        Query(quantile(0.90, "api_prediction_probability"), "p90"),
    ),
)

MODEL = (
    table(
        "The model that answers",
        "What each replica of the API serves, and from which data it was trained.",
        "none",
        Query("model_info"),
        columns={
            "instance": "API",
            "name": "Model",
            "version": "Version",
            "algorithm": "Algorithm",
            "data_source": "Data",
        },
        height=6,
    ),
    timeseries(
        "Served and registered version",
        "The lines lie on each other but for the seconds of a swap. Alert: ModelVersionSkew.",
        "none",
        Query("max by (instance) (model_served_version)", "served by {{instance}}"),
        Query("max by (alias) (mlflow_registered_model_version)", "{{alias}}"),
        height=6,
    ),
    timeline(
        "Registry reachable",
        "Whether the API reached MLflow at its last check. Predictions do not need it. Alert: "
        "ModelRegistryUnreachable.",
        Query("min by (instance) (model_registry_reachable)", "{{instance}}"),
        mappings=YES_NO,
        width=8,
        height=6,
    ),
    timeseries(
        "Since the registry was last asked",
        "Seconds since the last successful check; the API asks every few seconds. Alert: ModelRefreshStuck.",
        "s",
        Query("time() - max by (instance) (model_last_reload_timestamp_seconds)", "{{instance}}"),
        limits=[(120, ORANGE)],
        width=8,
        height=6,
    ),
    timeseries(
        "Refused models",
        "Models that the API could not load or refused since it started, by reason. Empty is good. Alert: "
        "ModelLoadFailing.",
        "short",
        Query("sum by (reason) (model_load_failures_total)", "{{reason}}"),
        width=8,
        height=6,
    ),
    stat(
        "Model loaded for",
        "Time since the served model was loaded.",
        "s",
        Query("time() - max by (instance) (model_loaded_timestamp_seconds)", "{{instance}}"),
        base=BLUE,
    ),
    stat(
        "Age of the model",
        "Time since the served model was trained.",
        "s",
        Query("time() - max by (instance) (model_trained_timestamp_seconds)", "{{instance}}"),
        base=BLUE,
    ),
    timeseries(
        "Prediction log",
        "Log entries written to PostgreSQL and dropped, per second. Dropped entries cost no prediction. Alert: "
        "PredictionLogDropping.",
        "ops",
        Query(f"sum(rate(prediction_log_written_total{RATE}))", "written"),
        Query(f"sum(rate(prediction_log_dropped_total{RATE}))", "dropped"),
        width=8,
        height=6,
    ),
    timeseries(
        "Prediction log queue",
        "Entries waiting to be written. A queue that fills ends in drops.",
        "short",
        Query("sum by (instance) (prediction_log_queue_length)", "{{instance}}"),
        width=8,
        height=6,
    ),
)
