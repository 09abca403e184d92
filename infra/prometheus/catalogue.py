"""The metrics that rules and dashboards may read, by scrape job, with their kind.

Tests hold rules and dashboards to these names, and the names to what our own services really export.
"""

from collections.abc import Iterable

CATALOGUE: dict[str, dict[str, str]] = {
    # Prometheus itself writes these for every target and rule.
    "*": {"up": "gauge", "scrape_duration_seconds": "gauge", "ALERTS": "gauge"},
    "api": {
        "api_batch_size": "histogram",
        "api_feedback_total": "counter",
        "api_history_total": "counter",
        "api_prediction_probability": "histogram",
        "api_predictions_total": "counter",
        "api_request_duration_seconds": "histogram",
        "api_requests_in_flight": "gauge",
        "api_requests_shed_total": "counter",
        "model_info": "gauge",
        "model_last_reload_timestamp_seconds": "gauge",
        "model_load_failures_total": "counter",
        "model_loaded": "gauge",
        "model_loaded_timestamp_seconds": "gauge",
        "model_registered_version": "gauge",
        "model_registry_reachable": "gauge",
        "model_served_version": "gauge",
        "prediction_log_dropped_total": "counter",
        "prediction_log_queue_length": "gauge",
        "prediction_log_written_total": "counter",
        "process_resident_memory_bytes": "gauge",
    },
    "exporter": {
        "airflow_component_healthy": "gauge",
        "airflow_component_heartbeat_age_seconds": "gauge",
        "airflow_dag_last_run_duration_seconds": "gauge",
        "airflow_dag_last_run_success": "gauge",
        "airflow_dag_last_success_timestamp_seconds": "gauge",
        "airflow_dag_paused": "gauge",
        "airflow_dag_runs": "gauge",
        "airflow_import_errors": "gauge",
        "airflow_up": "gauge",
        "data_version_created_timestamp_seconds": "gauge",
        "drift_distance": "gauge",
        "drift_state": "gauge",
        "drift_threshold": "gauge",
        "estimated_quality": "gauge",
        "exporter_scrape_errors_total": "counter",
        "gate_decisions_total": "counter",
        "ingestion_last_timestamp_seconds": "gauge",
        "ingestion_rows": "gauge",
        "mlflow_model_versions": "gauge",
        "mlflow_probe_duration_seconds": "gauge",
        "mlflow_registered_model_version": "gauge",
        "mlflow_up": "gauge",
        "monitor_last_run_timestamp_seconds": "gauge",
        "monitor_state": "gauge",
        "monitor_window_predictions": "gauge",
        "realised_coverage_ratio": "gauge",
        "realised_outcomes": "gauge",
        "realised_quality": "gauge",
        "warehouse_up": "gauge",
    },
    "postgres": {
        "pg_database_size_bytes": "gauge",
        "pg_settings_max_connections": "gauge",
        "pg_stat_database_numbackends": "gauge",
        "pg_stat_database_xact_commit": "counter",
        "pg_stat_database_xact_rollback": "counter",
        "pg_up": "gauge",
    },
    "streamlit": {"active_sessions": "gauge"},
    "locust": {"locust_current_rps": "gauge", "locust_failures_total": "counter", "locust_users": "gauge"},
    "prometheus": {"prometheus_rule_evaluation_failures_total": "counter", "prometheus_tsdb_head_series": "gauge"},
    "cadvisor": {
        "container_cpu_usage_seconds_total": "counter",
        "container_memory_working_set_bytes": "gauge",
        "container_network_receive_bytes_total": "counter",
        "container_network_transmit_bytes_total": "counter",
        "container_spec_memory_limit_bytes": "gauge",
        "container_start_time_seconds": "gauge",
    },
}


def series_names(metrics: Iterable[tuple[str, str]]) -> set[str]:
    """The series of (name, kind) pairs: a histogram has three."""
    return {
        name + ending
        for name, kind in metrics
        for ending in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }


def known_series() -> set[str]:
    """Every series that an expression may name, recorded ones aside."""
    return series_names(pair for metrics in CATALOGUE.values() for pair in metrics.items())
