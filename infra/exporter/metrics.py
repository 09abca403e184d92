"""The metric families that the exporter exports, and their values of one scrape."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

FAMILIES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "airflow_up": ("1 when Airflow's API server answered.", ()),
    "airflow_component_healthy": ("1 when Airflow reports the component as healthy.", ("component",)),
    "airflow_component_heartbeat_age_seconds": ("Age of the last heartbeat.", ("component",)),
    "airflow_import_errors": ("DAG files that cannot be imported.", ()),
    "airflow_tasks": ("Tasks that run, and tasks that wait for a worker.", ("state",)),
    "airflow_dag_paused": ("1 when the DAG is paused.", ("dag_id",)),
    "airflow_dag_runs": ("Runs in Airflow's database, by state.", ("dag_id", "state")),
    "airflow_dag_last_run_success": ("1 when the last finished run succeeded.", ("dag_id",)),
    "airflow_dag_last_run_duration_seconds": ("Duration of the last finished run.", ("dag_id",)),
    "airflow_dag_last_success_timestamp_seconds": ("End of the last successful run.", ("dag_id",)),
    "mlflow_up": ("1 when MLflow answered a request that reads its database.", ()),
    "mlflow_probe_duration_seconds": ("Duration of that request.", ()),
    "mlflow_registered_model_version": ("Version of the registered model with this alias.", ("alias",)),
    "mlflow_model_versions": ("Versions of the registered model.", ()),
    "warehouse_up": ("1 when the diabetes database answered.", ()),
    "ingestion_last_timestamp_seconds": ("Time of the last ingestion of new data.", ()),
    "ingestion_rows": ("Rows of the last ingestion.", ("outcome",)),
    "data_version_created_timestamp_seconds": ("Creation time of the current data version.", ()),
    "gate_decisions_total": ("Entries of the gate's ledger.", ("action",)),
    "gate_decided_version": ("Version that the gate or a rollback put into production last.", ()),
    "retention_deleted_total": ("What python -m ml retain deleted.", ("kind",)),
    "retention_freed_bytes_total": ("Files that it deleted.", ()),
    "monitor_last_run_timestamp_seconds": ("End of the last monitoring run.", ()),
    "monitor_window_predictions": ("Predictions in the window of that run.", ()),
    "monitor_state": ("State of that run: 0 ok, 1 drift, -1 not enough data.", ()),
    "drift_state": ("State of a drift test: 0 ok, 1 drift, -1 not enough data.", ("kind", "feature")),
    "drift_distance": ("Jensen-Shannon distance from the reference.", ("kind", "feature")),
    "drift_threshold": ("Smallest distance that counts as drift.", ("kind", "feature")),
    "realised_quality": (
        "A metric on matured outcomes, with its 95 % interval.",
        ("model_version", "subgroup", "metric", "bound"),
    ),
    "estimated_quality": ("A metric estimated from the predicted probabilities.", ("model_version", "metric")),
    "realised_outcomes": ("Predictions with a known, matured outcome.", ("model_version",)),
    "realised_coverage_ratio": ("Share of the matured predictions with a known outcome.", ("model_version",)),
    "backup_scheduled": ("1 when BACKUP_AT is set.", ()),
    "backup_last_success_timestamp": ("Time of the last successful backup.", ()),
    "backup_last_run_failed": ("1 when the last backup failed.", ()),
    "backup_size_bytes": ("Size of the last backup.", ()),
    "wal_archive_size_bytes": ("Size of the archived WAL.", ()),
    "restore_last_verified_timestamp": ("Time when a backup was last restored as a test.", ()),
    "exporter_scrape_errors_total": ("Failed reads of a target.", ("target",)),
    "build_info": ("Version and commit.", ("service", "version", "commit")),
}
"""Help text and labels by name; names that end with ``_total`` are counters, all others gauges."""


class Metrics:
    """The values of one scrape. A family without a value is exported without samples."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in FAMILIES}

    def set(self, name: str, value: float | None, *labels: str) -> None:
        """Set a value, replacing an earlier one with the same labels; None sets nothing."""
        if value is not None:
            self._values[name][labels] = float(value)

    def families(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Convert to families of the Prometheus client."""
        for name, (description, labels) in FAMILIES.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(name, description, labels=labels)
            for values, value in self._values[name].items():
                family.add_metric(values, value)
            yield family
