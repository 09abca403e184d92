"""Fixtures: a fake Airflow, collectors that read it, and one scrape of a collector."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from infra.exporter.collector import PlatformCollector, create_collector
from infra.exporter.settings import ExporterSettings
from tests.integration.infra.exporter.fakes import FakeAirflow, running_airflow

UNREACHABLE = "http://127.0.0.1:9"
"""The discard port: no program listens on it."""

NO_DATABASE = {"postgres_port": 9, "postgres_monitor_password": "unused", "airflow_exporter_password": "airflow"}

Scrape = Callable[..., dict[str, float]]


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    """A fake Airflow."""
    with running_airflow() as fake:
        yield fake


@pytest.fixture
def make_collector(airflow: FakeAirflow) -> Iterator[Callable[..., PlatformCollector]]:
    """Create collectors that read the fake Airflow; keywords are settings."""
    created: list[PlatformCollector] = []

    def make(**settings: object) -> PlatformCollector:
        defaults = {"airflow_url": airflow.url, "mlflow_tracking_uri": UNREACHABLE, **NO_DATABASE, "_env_file": None}
        created.append(create_collector(ExporterSettings.load(**defaults | settings)))
        return created[-1]

    yield make
    for collector in created:
        collector.close()


@pytest.fixture
def scrape() -> Scrape:
    """Scrape once; returns values by ``name{label values}``."""

    def run(collector: PlatformCollector) -> dict[str, float]:
        registry = CollectorRegistry()
        registry.register(collector)
        return {
            sample.name + ("{" + ",".join(sorted(sample.labels.values())) + "}" if sample.labels else ""): sample.value
            for family in registry.collect()
            for sample in family.samples
        }

    return run
