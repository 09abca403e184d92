"""The dashboard "Pipelines and registry": what feeds the model, and how it gets into production."""

from infra.grafana.dashboard import Dashboard, Variable
from infra.grafana.panels import BLUE, GREEN, ORANGE, RED, UP_DOWN, YES_NO, Query, stat, timeseries, words

DAY = 24 * 3600

AIRFLOW = (
    stat(
        "Airflow components",
        "Airflow's own health page: a component whose heartbeat is older than 30 s is not healthy. Alerts: "
        "AirflowComponentUnhealthy and AirflowDown.",
        "none",
        Query("min by (component) (airflow_component_healthy)", "{{component}}"),
        mappings=YES_NO,
        width=12,
    ),
    stat(
        "Last run of each DAG",
        "How the last finished run ended. Alert: DagRunFailed.",
        "none",
        Query('min by (dag_id) (airflow_dag_last_run_success{dag_id=~"$dag"})', "{{dag_id}}"),
        mappings=words({1: ("SUCCESS", GREEN), 0: ("FAILED", RED)}),
        width=12,
    ),
    stat(
        "Paused",
        "DAGs are paused at creation; a paused DAG runs neither by schedule nor by asset.",
        "none",
        Query('max by (dag_id) (airflow_dag_paused{dag_id=~"$dag"})', "{{dag_id}}"),
        mappings=words({1: ("PAUSED", ORANGE), 0: ("ACTIVE", GREEN)}),
        width=12,
    ),
    stat(
        "Since the last success",
        "Daily: at most 26 h; the weekly search: 8 days. Alerts: TrainingDataStale, TrainingStale and SearchStale.",
        "s",
        Query('dag:success_age_seconds:last{dag_id=~"$dag"}', "{{dag_id}}"),
        thresholds=[(DAY, ORANGE), (8 * DAY, RED)],
        width=12,
    ),
    timeseries(
        "DAG runs by state",
        "Runs that Airflow keeps, by state. A run that goes on for three hours: alert DagRunStuck.",
        "short",
        Query('sum by (dag_id, state) (airflow_dag_runs{dag_id=~"$dag"}) > 0', "{{dag_id}} {{state}}"),
        width=8,
    ),
    timeseries(
        "Duration of the last run",
        "How long the last finished run of each DAG took.",
        "s",
        Query('max by (dag_id) (airflow_dag_last_run_duration_seconds{dag_id=~"$dag"})', "{{dag_id}}"),
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

DATA = (
    stat(
        "Import errors",
        "DAG files that Airflow cannot import. Alert: AirflowImportErrors.",
        "short",
        Query("max(airflow_import_errors)", "errors"),
        thresholds=[(1, RED)],
    ),
    stat(
        "Since the last ingestion",
        "Time since data were last written; an ingestion that finds nothing new writes none.",
        "s",
        Query("time() - max(ingestion_last_timestamp_seconds)", "age"),
        base=BLUE,
    ),
    stat(
        "Age of the data version",
        "Time since the tables that models are trained on last changed.",
        "s",
        Query("time() - max(data_version_created_timestamp_seconds)", "age"),
        base=BLUE,
    ),
    stat(
        "Rows of the last ingestion",
        "Accepted, and rejected since they break the schema.",
        "short",
        Query("sum by (outcome) (ingestion_rows)", "{{outcome}}"),
        base=BLUE,
        width=6,
    ),
    stat(
        "Share rejected",
        "An ingestion fails at 1 %. Alert: IngestionRejecting.",
        "percentunit",
        Query('sum(ingestion_rows{outcome="rejected"}) / (sum(ingestion_rows) > 0)', "rejected"),
        thresholds=[(0.005, ORANGE), (0.01, RED)],
        width=6,
    ),
)

REGISTRY = (
    stat(
        "MLflow",
        "Whether a read through MLflow's database answered; its page /health would not. Alert: MlflowDown.",
        "none",
        Query("min(mlflow_up)", "MLflow"),
        mappings=UP_DOWN,
    ),
    stat(
        "Production",
        "Version under the alias production.",
        "none",
        Query('max(mlflow_registered_model_version{alias="production"})', "production"),
        base=BLUE,
    ),
    stat(
        "Challenger",
        "Version under the alias challenger: the candidate the gate last looked at.",
        "none",
        Query('max(mlflow_registered_model_version{alias="challenger"})', "challenger"),
        base=BLUE,
    ),
    stat(
        "Model versions",
        "Versions of diabetes-readmission in the registry.",
        "short",
        Query("max(mlflow_model_versions)", "versions"),
        base=BLUE,
    ),
    stat(
        "Decisions of the gate",
        "All that the ledger holds, by what was done.",
        "short",
        Query("sum by (action) (gate_decisions_total)", "{{action}}"),
        base=BLUE,
        width=8,
    ),
    timeseries(
        "Versions by alias",
        "A step of production is a promotion or a rollback.",
        "none",
        Query("max by (alias) (mlflow_registered_model_version)", "{{alias}}"),
        width=8,
    ),
    timeseries(
        "MLflow's answer time",
        "How long MLflow takes for a small read through its database.",
        "s",
        Query("max(mlflow_probe_duration_seconds)", "registered model"),
        width=8,
    ),
    timeseries(
        "Reads of the exporter that failed",
        "Failures to read Airflow, MLflow or the diabetes database, per minute. Alert: ExporterReadsFailing.",
        "short",
        Query("60 * sum by (target) (rate(exporter_scrape_errors_total[$__rate_interval]))", "{{target}}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    uid="pipelines",
    title="Pipelines and registry",
    description="How the DAGs end, what data came in, and which version is in production.",
    variables=(Variable("dag", "DAG", "DAGs shown.", "label_values(airflow_dag_paused, dag_id)"),),
    rows=(("Airflow and its DAGs", AIRFLOW), ("Data", DATA), ("Registry and gate", REGISTRY)),
)
