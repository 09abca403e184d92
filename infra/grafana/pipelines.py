"""The dashboard "Pipelines and registry": DAG runs, data, and the registered model versions."""

from infra.grafana.dashboard import Dashboard, variable
from infra.grafana.limits import limit
from infra.grafana.panels import GREEN, ORANGE, RED, UP_DOWN, YES_NO, stat, states, third, timeseries
from infra.grafana.promql import rate
from ml.core.settings import MlSettings

DAG = '{dag_id=~"$dag"}'
MAX_REJECTED_SHARE = MlSettings.model_fields["max_rejected_share"].default

AIRFLOW = (
    stat(
        "Airflow components",
        "Health as Airflow reports it: a component without a heartbeat for 30 s is not healthy.",
        ("min by (component) (airflow_component_healthy)", "{{component}}"),
        mappings=YES_NO,
        width=12,
        alerts=["AirflowComponentUnhealthy", "AirflowDown"],
    ),
    stat(
        "Last run of each DAG",
        "Result of the last finished run.",
        (f"min by (dag_id) (airflow_dag_last_run_success{DAG})", "{{dag_id}}"),
        mappings=states({1: ("SUCCESS", GREEN), 0: ("FAILED", RED)}),
        width=12,
        alerts=["DagRunFailed"],
    ),
    stat(
        "Paused",
        "DAGs are paused at creation. A paused DAG is triggered neither by schedule nor by asset.",
        (f"max by (dag_id) (airflow_dag_paused{DAG})", "{{dag_id}}"),
        mappings=states({1: ("PAUSED", ORANGE), 0: ("ACTIVE", GREEN)}),
        width=12,
    ),
    stat(
        "Since the last success",
        "Orange is late for a daily DAG, red for the weekly search.",
        (f"dag:success_age_seconds:last{DAG}", "{{dag_id}}"),
        unit="s",
        thresholds=[(limit("TrainingStale"), ORANGE), (limit("SearchStale"), RED)],
        width=12,
        alerts=["TrainingDataStale", "TrainingStale", "SearchStale"],
    ),
    third(
        "DAG runs by state",
        "Runs in Airflow's database, by state.",
        (f"sum by (dag_id, state) (airflow_dag_runs{DAG}) > 0", "{{dag_id}} {{state}}"),
        alerts=["DagRunStuck"],
    ),
    third(
        "Duration of the last run",
        "Duration of the last finished run of each DAG.",
        (f"max by (dag_id) (airflow_dag_last_run_duration_seconds{DAG})", "{{dag_id}}"),
        unit="s",
    ),
    third(
        "Heartbeat age",
        "Seconds since each component's last heartbeat. Airflow reports more than 30 s as unhealthy.",
        ("max by (component) (airflow_component_heartbeat_age_seconds)", "{{component}}"),
        unit="s",
        limits=[(30, RED)],
    ),
)

DATA = (
    stat(
        "Import errors",
        "DAG files that Airflow cannot import.",
        ("max(airflow_import_errors)", "errors"),
        thresholds=[(1, RED)],
        alerts=["AirflowImportErrors"],
    ),
    stat(
        "Tasks waiting",
        "Tasks of Airflow that are queued for a worker.",
        ('sum(airflow_tasks{state="queued"})', "waiting"),
        alerts=["AirflowTasksWaiting"],
    ),
    stat(
        "Since the last ingestion",
        "Time since data were last written. An ingestion without new data writes none.",
        ("time() - max(ingestion_last_timestamp_seconds)", "age"),
        unit="s",
    ),
    stat(
        "Age of the data version",
        "Time since the training and test tables last changed.",
        ("time() - max(data_version_created_timestamp_seconds)", "age"),
        unit="s",
    ),
    stat(
        "Rows of the last ingestion",
        "Rows that were accepted, and rows that were rejected because they violate the schema.",
        ("sum by (outcome) (ingestion_rows)", "{{outcome}}"),
    ),
    stat(
        "Share rejected",
        "An ingestion fails above MAX_REJECTED_SHARE; red is its default.",
        ('sum(ingestion_rows{outcome="rejected"}) / (sum(ingestion_rows) > 0)', "rejected"),
        unit="percentunit",
        thresholds=[(limit("IngestionRejecting"), ORANGE), (MAX_REJECTED_SHARE, RED)],
        alerts=["IngestionRejecting"],
    ),
)

REGISTRY = (
    stat(
        "MLflow",
        "Whether a read through MLflow's database succeeded. MLflow's page /health does not check the database.",
        ("min(mlflow_up)", "MLflow"),
        mappings=UP_DOWN,
        alerts=["MlflowDown"],
    ),
    stat(
        "Production",
        "Version of the alias production.",
        ('max(mlflow_registered_model_version{alias="production"})', "production"),
        unit="none",
    ),
    stat(
        "Challenger",
        "Version of the alias challenger: the candidate that the gate last evaluated.",
        ('max(mlflow_registered_model_version{alias="challenger"})', "challenger"),
        unit="none",
    ),
    stat("Model versions", "Registered versions of diabetes-readmission.", ("max(mlflow_model_versions)", "versions")),
    stat(
        "Decisions of the gate",
        "Entries of the promotion ledger, by action.",
        ("sum by (action) (gate_decisions_total)", "{{action}}"),
        width=8,
    ),
    third(
        "Versions by alias",
        "A step of production is a promotion or a rollback.",
        ("max by (alias) (mlflow_registered_model_version)", "{{alias}}"),
        unit="none",
    ),
    third(
        "MLflow's answer time",
        "Response time of a small read through MLflow's database.",
        ("max(mlflow_probe_duration_seconds)", "registered model"),
        unit="s",
    ),
    third(
        "Reads of the exporter that failed",
        "Failed reads of Airflow, MLflow or the diabetes database, per minute.",
        (f"60 * {rate('exporter_scrape_errors_total', by='target')}", "{{target}}"),
        alerts=["ExporterReadsFailing"],
    ),
)

BACKUPS = (
    stat(
        "Since the last backup",
        "Time since a backup last succeeded. Without BACKUP_AT backups are made by hand.",
        ("time() - max(backup_last_success_timestamp)", "age"),
        unit="s",
        width=8,
        alerts=["BackupStale", "BackupFailed"],
    ),
    stat(
        "Since the last test of a restore",
        "Time since a backup was last restored into a throwaway place and compared with its manifest.",
        ("time() - max(restore_last_verified_timestamp)", "age"),
        unit="s",
        width=8,
        alerts=["BackupUnverified"],
    ),
    stat(
        "Size of the last backup",
        "Bytes of its files; those that it shares with the backup before take no further space. And the archived WAL.",
        ("max(backup_size_bytes)", "size"),
        ("max(wal_archive_size_bytes)", "WAL"),
        unit="bytes",
        width=8,
    ),
    timeseries(
        "Deleted because it was old",
        "Versions, runs and rows that python -m ml retain or the DAG retain_diabetes deleted so far.",
        ("sum by (kind) (retention_deleted_total)", "{{kind}}"),
    ),
    timeseries(
        "Files deleted because they were old",
        "Size of the artifacts that were deleted with versions and runs.",
        ("max(retention_freed_bytes_total)", "size"),
        unit="bytes",
    ),
)

DASHBOARD = Dashboard(
    uid="pipelines",
    title="Pipelines and registry",
    description="DAG runs, ingested data, and the registered model versions.",
    variables=(variable("dag", "DAG", "DAGs.", "label_values(airflow_dag_paused, dag_id)"),),
    rows=(
        ("Airflow and its DAGs", AIRFLOW),
        ("Data", DATA),
        ("Registry and gate", REGISTRY),
        ("Backups and retention", BACKUPS),
    ),
)
