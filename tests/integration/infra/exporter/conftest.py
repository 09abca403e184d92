"""The exporter's collector against a fake Airflow, and an MLflow and a database of the test's choice."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from infra.exporter.collector import PlatformCollector
from infra.exporter.server import create_collector
from infra.exporter.settings import ExporterSettings
from tests.integration.infra.exporter.fakes import FakeAirflow, running_airflow

NOBODY = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""

NO_DATABASE = {"postgres_port": 9, "postgres_monitor_password": "unused"}

Scrape = Callable[..., dict[str, float]]


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    """A fake Airflow."""
    with running_airflow() as fake:
        yield fake


@pytest.fixture
def make_collector(airflow: FakeAirflow) -> Iterator[Callable[..., PlatformCollector]]:
    """Collectors over the fake Airflow; settings by keyword."""
    made: list[PlatformCollector] = []

    def make(**settings: object) -> PlatformCollector:
        given = {"airflow_url": airflow.url, "mlflow_tracking_uri": NOBODY, **NO_DATABASE, "_env_file": None} | settings
        made.append(create_collector(ExporterSettings.load(**given)))
        return made[-1]

    yield make
    for collector in made:
        collector.close()


@pytest.fixture
def scrape() -> Scrape:
    """One scrape as ``{'name{label="value"}': value}``."""

    def take(collector: PlatformCollector) -> dict[str, float]:
        registry = CollectorRegistry()
        registry.register(collector)
        return {
            sample.name + ("{" + ",".join(sorted(sample.labels.values())) + "}" if sample.labels else ""): sample.value
            for family in registry.collect()
            for sample in family.samples
        }

    return take
