"""The readings as Prometheus metrics, taken anew at each scrape."""

import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from infra.exporter.airflow import AirflowReader, AirflowReading
from infra.exporter.mlflow import MlflowReader, MlflowReading
from infra.exporter.warehouse import WarehouseReader
from infra.exporter.warehouse_metrics import warehouse_metrics

logger = logging.getLogger("infra.exporter")


class PlatformCollector(Collector):
    """Asks Airflow, MLflow and the database side by side; one that is away costs its own metrics and nothing else."""

    def __init__(self, airflow: AirflowReader, mlflow: MlflowReader, warehouse: WarehouseReader) -> None:
        self._airflow = airflow
        self._mlflow = mlflow
        self._warehouse = warehouse
        self._pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="reader")
        self._lock = threading.Lock()
        self._errors = {"airflow": 0, "mlflow": 0, "warehouse": 0}
        self._last_error: dict[str, str | None] = {}

    def describe(self) -> Iterable[Metric]:
        """Nothing to tell beforehand, so that registering does not ask the services."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read all and give their metrics; two scrapes at once take turns."""
        with self._lock:
            airflow_future = self._pool.submit(self._airflow.read)
            mlflow_future = self._pool.submit(self._mlflow.read)
            warehouse_future = self._pool.submit(self._warehouse.read)
            airflow, mlflow, warehouse = airflow_future.result(), mlflow_future.result(), warehouse_future.result()
            self._note("airflow", airflow.error)
            self._note("mlflow", mlflow.error)
            self._note("warehouse", warehouse.error)
            errors = dict(self._errors)
        yield from airflow_metrics(airflow)
        yield from mlflow_metrics(mlflow)
        yield from warehouse_metrics(warehouse)
        family = CounterMetricFamily("exporter_scrape_errors", "Reads of a service that failed.", labels=["target"])
        for target, count in errors.items():
            family.add_metric([target], count)
        yield family

    def close(self) -> None:
        """End the readers."""
        self._pool.shutdown(cancel_futures=True)
        self._airflow.close()
        self._mlflow.close()

    def _note(self, target: str, error: str | None) -> None:
        """Count a failure, and log it when it is another than at the last scrape."""
        if error:
            self._errors[target] += 1
        if error != self._last_error.get(target):
            self._last_error[target] = error
            if error:
                logger.warning("%s cannot be read: %s", target, error)
            else:
                logger.info("%s can be read again", target)


def airflow_metrics(reading: AirflowReading) -> Iterator[Metric]:
    """Metrics of one look at Airflow; what was not read is absent."""
    yield GaugeMetricFamily("airflow_up", "1 when the API server answered.", value=bool(reading.components))
    healthy = GaugeMetricFamily("airflow_component_healthy", "1 when Airflow calls it healthy.", labels=["component"])
    beat = GaugeMetricFamily(
        "airflow_component_heartbeat_age_seconds", "Age of the last heartbeat.", labels=["component"]
    )
    for name, component in reading.components.items():
        healthy.add_metric([name], component.healthy)
        if component.heartbeat_age is not None:
            beat.add_metric([name], component.heartbeat_age)
    yield healthy
    yield beat
    if reading.import_errors is not None:
        yield GaugeMetricFamily("airflow_import_errors", "DAG files that do not import.", value=reading.import_errors)
    yield from _dag_metrics(reading)


def _dag_metrics(reading: AirflowReading) -> Iterator[Metric]:
    paused = GaugeMetricFamily("airflow_dag_paused", "1 when the DAG is paused.", labels=["dag_id"])
    runs = GaugeMetricFamily("airflow_dag_runs", "Runs kept by Airflow, by state.", labels=["dag_id", "state"])
    outcome = GaugeMetricFamily(
        "airflow_dag_last_run_success", "1 when the last finished run succeeded.", labels=["dag_id"]
    )
    success = GaugeMetricFamily(
        "airflow_dag_last_success_timestamp_seconds", "When a run last succeeded.", labels=["dag_id"]
    )
    duration = GaugeMetricFamily(
        "airflow_dag_last_run_duration_seconds", "How long the last finished run took.", labels=["dag_id"]
    )
    for dag in reading.dags:
        paused.add_metric([dag.dag_id], dag.paused)
        for state, count in dag.runs.items():
            runs.add_metric([dag.dag_id, state], count)
        if dag.last_succeeded is not None:
            outcome.add_metric([dag.dag_id], dag.last_succeeded)
        if dag.last_success is not None:
            success.add_metric([dag.dag_id], dag.last_success.timestamp())
        if dag.last_duration is not None:
            duration.add_metric([dag.dag_id], dag.last_duration)
    yield from (paused, runs, outcome, success, duration)


def mlflow_metrics(reading: MlflowReading) -> Iterator[Metric]:
    """Metrics of one look at MLflow; what was not read is absent."""
    yield GaugeMetricFamily("mlflow_up", "1 when a read through MLflow's database answered.", value=reading.up)
    yield GaugeMetricFamily("mlflow_probe_duration_seconds", "How long that read took.", value=reading.seconds)
    alias = GaugeMetricFamily(
        "mlflow_registered_model_version", "Version of the registered model that an alias names.", labels=["alias"]
    )
    for name, version in reading.aliases.items():
        alias.add_metric([name], version)
    yield alias
    if reading.versions is not None:
        yield GaugeMetricFamily("mlflow_model_versions", "Versions of the registered model.", value=reading.versions)
