"""Rows on what feeds the model: Airflow and its DAGs, MLflow, and the smaller services."""

from infra.grafana.panels import BLUE, GREEN, ORANGE, RED, UP_DOWN, YES_NO, Query, stat, timeseries, words

DAY = 24 * 3600

AIRFLOW = (
    stat(
        "Airflow components",
        "Airflow's own health page: a component whose heartbeat is older than 30 s is not healthy.",
        "none",
        Query("min by (component) (airflow_component_healthy)", "{{component}}"),
        mappings=YES_NO,
        width=12,
    ),
    stat(
        "Last run of each DAG",
        "How the last finished run ended. Alert: DagRunFailed.",
        "none",
        Query("min by (dag_id) (airflow_dag_last_run_success)", "{{dag_id}}"),
        mappings=words({1: ("SUCCESS", GREEN), 0: ("FAILED", RED)}),
        width=12,
    ),
    stat(
        "Paused",
        "DAGs are paused at creation; a paused DAG runs neither by schedule nor by asset.",
        "none",
        Query("max by (dag_id) (airflow_dag_paused)", "{{dag_id}}"),
        mappings=words({1: ("PAUSED", ORANGE), 0: ("ACTIVE", GREEN)}),
        width=12,
    ),
    stat(
        "Since the last success",
        "Daily DAGs older than 26 h fire TrainingDataStale or TrainingStale; the search runs weekly.",
        "s",
        Query("dag:success_age_seconds:last", "{{dag_id}}"),
        thresholds=[(DAY, ORANGE), (8 * DAY, RED)],
        width=12,
    ),
    timeseries(
        "DAG runs by state",
        "Runs that Airflow keeps, by state.",
        "short",
        Query("sum by (dag_id, state) (airflow_dag_runs) > 0", "{{dag_id}} {{state}}"),
        width=8,
    ),
    timeseries(
        "Duration of the last run",
        "How long the last finished run of each DAG took.",
        "s",
        Query("max by (dag_id) (airflow_dag_last_run_duration_seconds)", "{{dag_id}}"),
        width=8,
    ),
    timeseries(
        "Heartbeat age",
        "Seconds since each component's last heartbeat; Airflow calls 30 s unhealthy.",
        "s",
        Query("max by (component) (airflow_component_heartbeat_age_seconds)", "{{component}}"),
        limits=[(30, RED)],
        width=8,
    ),
)

OTHERS = (
    stat(
        "MLflow",
        "Whether a read through MLflow's database answered. Its /health page would say OK without one.",
        "none",
        Query("min(mlflow_up)", "MLflow"),
        mappings=UP_DOWN,
    ),
    stat(
        "Model versions",
        "Versions of diabetes-readmission in the registry.",
        "short",
        Query("max(mlflow_model_versions)", "versions"),
        base=BLUE,
    ),
    stat(
        "DAG import errors",
        "DAG files that Airflow cannot import.",
        "short",
        Query("max(airflow_import_errors)", "errors"),
        thresholds=[(1, RED)],
    ),
    stat(
        "Streamlit sessions",
        "Browsers with the user interface open.",
        "short",
        Query("sum(active_sessions)", "sessions"),
        base=BLUE,
    ),
    stat("Locust users", "Simulated users now.", "short", Query("sum(locust_users)", "users"), base=BLUE),
    stat(
        "Locust failures",
        "Requests of the load test in the last five minutes without a right answer.",
        "short",
        Query("sum(increase(locust_failures_total[5m])) or vector(0)", "failures"),
        thresholds=[(1, RED)],
    ),
    timeseries(
        "MLflow's answer time",
        "How long MLflow takes for a small read through its database.",
        "s",
        Query("max(mlflow_probe_duration_seconds)", "registered model"),
        width=8,
    ),
    timeseries(
        "Load test",
        "Requests per second that Locust sends, and its users.",
        "short",
        Query("sum(locust_current_rps)", "requests per second"),
        Query("sum(locust_users)", "users"),
        width=8,
    ),
    timeseries(
        "Reads of the exporter that failed",
        "Failures to read Airflow or MLflow, per minute.",
        "short",
        Query("60 * sum by (target) (rate(exporter_scrape_errors_total[$__rate_interval]))", "{{target}}"),
        width=8,
    ),
    timeseries(
        "Scrape duration",
        "How long Prometheus waits for each service's metrics; the time limit is 8 s.",
        "s",
        Query('max by (job) (scrape_duration_seconds{job=~"$job"})', "{{job}}"),
        limits=[(8, RED)],
    ),
    timeseries(
        "Prometheus series",
        "Time series in memory: what Prometheus costs. Steady growth is a label without bounds.",
        "short",
        Query("max(prometheus_tsdb_head_series)", "series"),
    ),
)
