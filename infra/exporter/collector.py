"""Reads Airflow, MLflow and the diabetes database in parallel at each scrape."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psycopg2
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from infra.backup.status import read_status
from infra.exporter.airflow import AirflowReader
from infra.exporter.client import BudgetedClient
from infra.exporter.metrics import Metrics
from infra.exporter.mlflow import MlflowReader
from infra.exporter.settings import ExporterSettings
from infra.exporter.warehouse import ROLE, WarehouseReader
from ml.core.build import build_info
from ml.core.names import EXPORTER_USER

logger = logging.getLogger("infra.exporter")


Read = Callable[[Metrics], None]
"""Sets the metrics of one target, or raises."""


class PlatformCollector(Collector):
    """Collects the metrics of all targets; the failure of one leaves those of the others."""

    def __init__(self, readers: dict[str, Read], clients: Sequence[BudgetedClient]) -> None:
        self._readers = readers
        self._clients = clients
        self._pool = ThreadPoolExecutor(max_workers=len(readers), thread_name_prefix="reader")
        self._lock = threading.Lock()
        self._failures = dict.fromkeys(readers, 0)
        self._last_error: dict[str, str | None] = {}

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registration must not read the targets."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Read all targets; concurrent scrapes run one after the other."""
        metrics, build = Metrics(), build_info()
        metrics.set("build_info", 1, "exporter", build.version, build.commit)
        with self._lock:
            errors = self._pool.map(lambda read: _error_of(read, metrics), self._readers.values())
            for target, error in zip(self._readers, errors, strict=True):
                self._record(target, error)
                metrics.set("exporter_scrape_errors_total", self._failures[target], target)
        return metrics.families()

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self._pool.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def _record(self, target: str, error: str | None) -> None:
        """Count a failure, and log it when it differs from that of the last scrape."""
        if error:
            self._failures[target] += 1
        if error != self._last_error.get(target):
            self._last_error[target] = error
            if error:
                logger.warning("Reading %s failed: %s", target, error)
            else:
                logger.info("Reading %s works again.", target)


def create_collector(settings: ExporterSettings) -> PlatformCollector:
    """Create the collector and its readers."""
    budget = settings.exporter_timeout_seconds
    database = {
        "host": settings.postgres_host,
        "port": settings.postgres_port,
        "dbname": settings.diabetes_db_name,
        "user": ROLE,
        "password": settings.postgres_monitor_password.get_secret_value(),
        "application_name": "exporter",
    }
    airflow = BudgetedClient(settings.airflow_url, budget)
    mlflow = BudgetedClient(settings.mlflow_tracking_uri, budget)
    readers: dict[str, Read] = {
        "airflow": AirflowReader(airflow, EXPORTER_USER, settings.airflow_exporter_password.get_secret_value()).read,
        "mlflow": MlflowReader(mlflow).read,
        "warehouse": WarehouseReader(database, budget).read,
        "backup": partial(_read_backup, settings),
    }
    return PlatformCollector(readers, [airflow, mlflow])


def _read_backup(settings: ExporterSettings, metrics: Metrics) -> None:
    """Set the metrics of the last backup, from the file that it writes; none before the first backup."""
    metrics.set("backup_scheduled", bool(settings.backup_at))
    for name, value in read_status(settings.state_folder).items():
        metrics.set(name, value)


def _error_of(read: Read, metrics: Metrics) -> str | None:
    """Read one target; returns the reason of a failure."""
    try:
        read(metrics)
    except (httpx.HTTPError, httpx.InvalidURL, psycopg2.Error, TimeoutError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return f"unexpected response: {error!r}"
    return None
