"""Every metric that rules and dashboards may read: name, kind, labels, meaning and source, by scrape job.

Tests hold rules and dashboards to these names, and the names to what our own services really export. The page
``docs/metrics.md`` is written from here: ``python -m infra.prometheus.page``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ENDINGS: Final = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
"""Series of the kinds that have more than one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric. `labels` are those of the service; Prometheus adds ``job`` and ``instance``."""

    name: str
    kind: str
    meaning: str
    labels: tuple[str, ...] = ()
    source: str = ""
    """Who knows it, where that is not the service that is scraped itself."""

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its series."""
        return tuple(self.name + ending for ending in ENDINGS.get(self.kind, ("",)))


def _gauge(name: str, meaning: str, *labels: str, source: str = "") -> Entry:
    return Entry(name, "gauge", meaning, labels, source)


def _counter(name: str, meaning: str, *labels: str, source: str = "") -> Entry:
    return Entry(name, "counter", meaning, labels, source)


def _histogram(name: str, meaning: str, *labels: str) -> Entry:
    return Entry(name, "histogram", meaning, labels)


AIRFLOW, MLFLOW, WAREHOUSE = "Airflow's REST API", "MLflow's REST API", "the diabetes database"

CATALOGUE: Final[dict[str, tuple[Entry, ...]]] = {
    # Prometheus itself writes these for every target and rule.
    "*": (
        _gauge("up", "1 when the target answered the last scrape"),
        _gauge("scrape_duration_seconds", "how long the last scrape took"),
        _gauge("ALERTS", "1 for every alert that is pending or fires", "alertname", "alertstate", "severity"),
    ),
    "api": (
        _histogram(
            "api_request_duration_seconds", "time from arrival to the end of the answer", "method", "route", "status"
        ),
        _gauge("api_requests_in_flight", "requests being answered"),
        _counter("api_requests_shed_total", "requests refused, by what there was too much of", "reason"),
        _gauge("api_scoring_queue_length", "small requests that wait for the next call of the model"),
        Entry(
            "api_stage_duration_seconds",
            "summary",
            "time in parts of the work: score (a call of the model for small requests), log (a batch written)",
            ("stage",),
        ),
        _histogram("api_batch_size", "records in a request"),
        _counter("api_predictions_total", "records scored", "model_version", "load_test"),
        _histogram("api_prediction_probability", "predicted probabilities"),
        _counter("api_history_total", "records with a patient, by what became of the patient's history", "history"),
        _counter("api_feedback_total", "outcomes received, by what became of them", "status"),
        _counter(
            "api_field_records_total",
            "logged records whose fields were looked at: without load tests, and without bodies above 256 KiB",
        ),
        _counter("api_missing_fields_total", "of these, records that did not give the feature", "feature"),
        _counter(
            "api_unseen_categories_total",
            "of these, records with a value that the code book allows and no encounter of the data set has",
            "feature",
        ),
        _gauge("model_info", "1; the model that answers", "name", "version", "algorithm", "data_source"),
        _gauge("model_loaded", "1 when a model answers"),
        _gauge("model_loaded_timestamp_seconds", "when the model was loaded"),
        _gauge("model_trained_timestamp_seconds", "when the model was trained"),
        _gauge("model_served_version", "version that answers; 0 is none"),
        _gauge("model_registered_version", "version that the alias production names; 0 is none"),
        _gauge("model_version_skew", "1 when another version answers than the registry last named"),
        _gauge("model_registry_reachable", "1 when MLflow answered the last time"),
        _gauge("model_last_reload_timestamp_seconds", "when the registry was last asked with success"),
        _counter("model_load_failures_total", "models that were refused", "reason"),
        _counter("prediction_log_written_total", "predictions written to PostgreSQL"),
        _counter("prediction_log_dropped_total", "predictions that were not written"),
        _gauge("prediction_log_queue_length", "predictions that wait to be written"),
        _gauge("process_resident_memory_bytes", "memory of the process; every Python and Go service tells its own"),
    ),
    "exporter": (
        _gauge("airflow_up", "1 when the API server answered", source=AIRFLOW),
        _gauge("airflow_component_healthy", "1 when Airflow calls the component healthy", "component", source=AIRFLOW),
        _gauge("airflow_component_heartbeat_age_seconds", "age of its last heartbeat", "component", source=AIRFLOW),
        _gauge("airflow_import_errors", "DAG files that do not import", source=AIRFLOW),
        _gauge("airflow_dag_paused", "1 when the DAG is paused", "dag_id", source=AIRFLOW),
        _gauge("airflow_dag_runs", "runs kept by Airflow", "dag_id", "state", source=AIRFLOW),
        _gauge("airflow_dag_last_run_success", "1 when the last finished run succeeded", "dag_id", source=AIRFLOW),
        _gauge(
            "airflow_dag_last_run_duration_seconds", "how long the last finished run took", "dag_id", source=AIRFLOW
        ),
        _gauge("airflow_dag_last_success_timestamp_seconds", "when a run last succeeded", "dag_id", source=AIRFLOW),
        _gauge("mlflow_up", "1 when a read through MLflow's database answered", source=MLFLOW),
        _gauge("mlflow_probe_duration_seconds", "how long that read took", source=MLFLOW),
        _gauge("mlflow_registered_model_version", "version that an alias names", "alias", source=MLFLOW),
        _gauge("mlflow_model_versions", "versions of the registered model", source=MLFLOW),
        _gauge("warehouse_up", "1 when the database answered", source=WAREHOUSE),
        _gauge("ingestion_last_timestamp_seconds", "when data were last ingested", source=WAREHOUSE),
        _gauge("ingestion_rows", "rows of the last ingestion: accepted or rejected", "outcome", source=WAREHOUSE),
        _gauge("data_version_created_timestamp_seconds", "when the present data version was made", source=WAREHOUSE),
        _counter("gate_decisions_total", "decisions of the gate", "action", source=WAREHOUSE),
        _gauge("monitor_last_run_timestamp_seconds", "when monitoring last ended", source=WAREHOUSE),
        _gauge("monitor_window_predictions", "predictions that it looked at", source=WAREHOUSE),
        _gauge("monitor_state", "what it found: 0 ok, 1 drift, -1 not enough data", source=WAREHOUSE),
        _gauge("drift_state", "the same for one test of the run", "kind", "feature", source=WAREHOUSE),
        _gauge(
            "drift_distance",
            "Jensen-Shannon distance of the window from the reference",
            "kind",
            "feature",
            source=WAREHOUSE,
        ),
        _gauge(
            "drift_threshold",
            "distance from which on it is drift, at this number of records",
            "kind",
            "feature",
            source=WAREHOUSE,
        ),
        _gauge(
            "realised_quality",
            "quality by outcomes that are known: value, and low and high of its 95 % interval",
            "model_version",
            "subgroup",
            "metric",
            "bound",
            source=WAREHOUSE,
        ),
        _gauge(
            "estimated_quality",
            "quality as the probabilities alone promise it",
            "model_version",
            "metric",
            source=WAREHOUSE,
        ),
        _gauge("realised_outcomes", "predictions whose outcome is mature and known", "model_version", source=WAREHOUSE),
        _gauge("realised_coverage_ratio", "their share of the mature predictions", "model_version", source=WAREHOUSE),
        _counter("exporter_scrape_errors_total", "reads of a service that failed", "target"),
    ),
    # Both PostgreSQL servers; the job of MLflow's is mlflow-postgres.
    "postgres": (
        _gauge("pg_up", "1 when the server takes connections"),
        _gauge("pg_database_size_bytes", "bytes on disk", "datname"),
        _gauge("pg_settings_max_connections", "connections that the server allows", "server"),
        _gauge("pg_stat_database_numbackends", "connections", "datname"),
        _counter("pg_stat_database_xact_commit", "transactions that were committed", "datname"),
        _counter("pg_stat_database_xact_rollback", "transactions that were rolled back", "datname"),
    ),
    "streamlit": (_gauge("active_sessions", "browsers with the user interface open"),),
    "locust": (
        _gauge("locust_users", "simulated users"),
        _gauge("locust_current_rps", "requests per second"),
        _counter("locust_requests_total", "requests sent, failed ones among them", "name", "method"),
        _counter("locust_failures_total", "requests without a right answer", "name", "method"),
        _gauge("locust_response_time_seconds", "response times of the last ten seconds", "quantile", "name"),
    ),
    "prometheus": (
        _gauge("prometheus_tsdb_head_series", "time series in memory"),
        _counter("prometheus_rule_evaluation_failures_total", "rules that could not be evaluated", "rule_group"),
        _gauge("prometheus_notifications_alertmanagers_discovered", "Alertmanagers that are told of alerts"),
        _counter("prometheus_notifications_dropped_total", "alerts that no Alertmanager took"),
    ),
    "alertmanager": (
        _gauge("alertmanager_alerts", "alerts that it knows", "state"),
        _counter("alertmanager_notifications_total", "notifications sent", "integration"),
        _counter(
            "alertmanager_notifications_failed_total", "notifications that the receiver did not take", "integration"
        ),
    ),
    "notices": (_counter("alert_notifications_total", "alerts told, as firing or resolved", "alertname", "status"),),
    "node": (
        _counter("node_cpu_seconds_total", "time of the processors, by what they did", "cpu", "mode"),
        _gauge("node_load1", "tasks that ran or waited, over a minute"),
        _gauge("node_memory_MemAvailable_bytes", "memory that can still be had"),
        _gauge("node_memory_MemTotal_bytes", "memory of the machine"),
        _gauge("node_filesystem_avail_bytes", "bytes that may still be written", "mountpoint", "fstype", "device"),
        _gauge("node_filesystem_size_bytes", "size of the file system", "mountpoint", "fstype", "device"),
        _gauge("node_filesystem_readonly", "1 when it cannot be written to", "mountpoint", "fstype", "device"),
    ),
    "cadvisor": (
        _counter("container_cpu_usage_seconds_total", "processor time", "name", "cpu"),
        _gauge("container_memory_working_set_bytes", "memory that counts against the limit", "name"),
        _gauge("container_spec_memory_limit_bytes", "the limit; 0 is none", "name"),
        _counter("container_network_receive_bytes_total", "bytes received", "name", "interface"),
        _counter("container_network_transmit_bytes_total", "bytes sent", "name", "interface"),
        _gauge("container_start_time_seconds", "when the container was started", "name"),
    ),
}


def entries() -> Iterable[Entry]:
    """All of them."""
    return (entry for found in CATALOGUE.values() for entry in found)


def known_series() -> set[str]:
    """Every series that an expression may name, recorded ones aside."""
    return {name for entry in entries() for name in entry.series}
