"""Health of all services, checked in parallel with a short time limit."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from ui.clients.airflow import AirflowClient, AirflowHealth
from ui.clients.connection import Connection
from ui.clients.errors import ResponseModel, Service, ServiceError, TimedOut, result_or_error
from ui.clients.prometheus import PrometheusClient

TIMEOUT_SECONDS: Final = 1.5

UP: Final = "min by (job) (up)"
DATA: Final = "data_version_created_timestamp_seconds"
WAREHOUSE: Final = "warehouse_up"
BACKUPS: Final = (
    '{__name__=~"backup_(scheduled|last_success_timestamp|last_run_failed)|restore_last_verified_timestamp"}'
)


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """Times in seconds since 1970; None if there was none, or the exporter does not answer."""

    scheduled: bool = False
    last_success: float | None = None
    last_verified: float | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ScrapeStatus:
    """What Prometheus scrapes: by job, whether all of its targets respond."""

    up: Mapping[str, bool]
    has_data: bool | None
    """Whether training data were ingested; None if unknown."""
    backups: BackupStatus


@dataclass(frozen=True, slots=True)
class ServicesHealth:
    """Health of each service, or the error of its check."""

    api: ResponseModel | ServiceError
    mlflow: ResponseModel | ServiceError
    airflow: AirflowHealth | ServiceError
    prometheus: ResponseModel | ServiceError
    locust: ResponseModel | ServiceError
    scraped: ScrapeStatus | ServiceError


class HealthChecker:
    """Checks all services at their addresses. All sessions share one instance."""

    def __init__(
        self, api: str, mlflow: str, airflow: str, prometheus: str, locust: str, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._timeout = timeout
        metrics, scheduler = PrometheusClient(prometheus, timeout), AirflowClient(airflow, timeout, "", "")
        addresses = {Service.API: api, Service.MLFLOW: mlflow, Service.LOCUST: locust}
        others = {service: Connection(service, url, timeout) for service, url in addresses.items()}
        self._connections: Final = (metrics, scheduler, *others.values())
        self._checks: Final[dict[str, tuple[Service, Callable[[], Any]]]] = {
            "api": (Service.API, _ping(others[Service.API], "/ready")),
            "mlflow": (Service.MLFLOW, _ping(others[Service.MLFLOW], "/health")),
            "airflow": (Service.AIRFLOW, scheduler.health),
            "prometheus": (Service.PROMETHEUS, _ping(metrics, "/-/ready")),
            "locust": (Service.LOCUST, _ping(others[Service.LOCUST], "/")),
            "scraped": (Service.PROMETHEUS, lambda: _scrape_status(metrics)),
        }
        # Twice the number of checks: those of the previous round may still run.
        self._pool = ThreadPoolExecutor(max_workers=2 * len(self._checks), thread_name_prefix="health")

    def check(self) -> ServicesHealth:
        """Check all services; one that has not responded in time counts as timed out."""
        deadline = monotonic() + self._timeout
        futures = {name: self._pool.submit(result_or_error, check) for name, (_, check) in self._checks.items()}
        results = {name: self._result(future, self._checks[name][0], deadline) for name, future in futures.items()}
        return ServicesHealth(**results)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def _result(self, future: Future[Any], service: Service, deadline: float) -> Any:
        try:
            return future.result(max(0.0, deadline - monotonic()))
        except TimeoutError:
            future.cancel()
            return TimedOut(service, self._timeout)


def _ping(connection: Connection, path: str) -> Callable[[], ResponseModel]:
    def ping() -> ResponseModel:
        connection.request("GET", path)
        return ResponseModel()

    return ping


def _scrape_status(prometheus: PrometheusClient) -> ScrapeStatus:
    up = {sample.labels.get("job", ""): sample.value == 1 for sample in prometheus.query(UP)}
    has_data: bool | None = bool(prometheus.query(DATA))
    if not has_data and not any(sample.value == 1 for sample in prometheus.query(WAREHOUSE)):
        has_data = None
    return ScrapeStatus(up, has_data, _backup_status(prometheus))


def _backup_status(prometheus: PrometheusClient) -> BackupStatus:
    found = {sample.labels.get("__name__", ""): sample.value for sample in prometheus.query(BACKUPS)}
    return BackupStatus(
        scheduled=found.get("backup_scheduled") == 1,
        last_success=found.get("backup_last_success_timestamp"),
        last_verified=found.get("restore_last_verified_timestamp"),
        failed=found.get("backup_last_run_failed") == 1,
    )
