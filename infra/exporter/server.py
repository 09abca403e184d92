"""The exporter's HTTP server: ``/metrics`` for Prometheus, ``/health`` for the container."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from infra.exporter.airflow import AirflowReader
from infra.exporter.client import BudgetedClient
from infra.exporter.collector import PlatformCollector
from infra.exporter.mlflow import MlflowReader
from infra.exporter.settings import ExporterSettings
from infra.exporter.warehouse import WarehouseReader
from infra.serving import SmallServer, Wsgi, bind


def create_collector(settings: ExporterSettings) -> PlatformCollector:
    """The readers and their collector, wired from the settings."""
    budget = settings.exporter_timeout_seconds
    password = settings.airflow_password.get_secret_value()
    airflow = AirflowReader(BudgetedClient(settings.airflow_url, budget), settings.airflow_user, password)
    mlflow = MlflowReader(BudgetedClient(settings.mlflow_tracking_uri, budget))
    return PlatformCollector(airflow, mlflow, WarehouseReader.of(settings))


def create_app(collector: PlatformCollector) -> Wsgi:
    """The WSGI application over one collector and this process's own metrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(collector)
    metrics: Wsgi = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start_response)
        found = path in ("/", "/health")
        start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"ok; metrics are at /metrics\n" if found else b"not found; metrics are at /metrics\n"]

    return app


def create_server(settings: ExporterSettings, collector: PlatformCollector) -> SmallServer:
    """A bound server; serving is up to the caller."""
    return bind(settings.exporter_bind, settings.exporter_port, create_app(collector))
