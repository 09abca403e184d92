"""A real Prometheus with the platform's configuration: scrape of the exporter, rules, and every panel's query."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.exporter.collector import create_collector
from infra.exporter.server import create_server
from infra.exporter.settings import ExporterSettings
from infra.grafana.build import DASHBOARDS
from infra.local.supervision.probes import free_port
from tests.integration.infra.exporter.conftest import NO_DATABASE, UNREACHABLE
from tests.integration.infra.exporter.fakes import running_airflow
from tests.support.prometheus import START_SECONDS, Prometheus, running_prometheus
from tests.unit.infra.prometheus.prometheus_files import rules

CHOICES = {"$__rate_interval": "1m", "$job": ".*", "$container": ".*", "$route": ".*"} | {
    f"${name}": ".*" for name in ("dag", "feature", "version")
}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus that scrapes itself and an exporter with a fake Airflow and no MLflow or database."""
    with (
        _running_exporter() as exporter,
        running_prometheus(tmp_path_factory.mktemp("prometheus"), {"exporter": exporter}) as server,
    ):
        yield server


@contextmanager
def _running_exporter() -> Iterator[str]:
    with running_airflow() as airflow:
        airflow.add_run("ingest_diabetes", "success", minutes_ago=1)
        settings = ExporterSettings.load(
            airflow_url=airflow.url,
            mlflow_tracking_uri=UNREACHABLE,
            exporter_port=free_port(),
            **NO_DATABASE,
            _env_file=None,
        )
        collector = create_collector(settings)
        server = create_server(settings, collector)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{settings.exporter_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            collector.close()


def _expressions() -> list[str]:
    boards = [dashboard.as_json() for dashboard in DASHBOARDS]
    found = [target["expr"] for board in boards for panel in board["panels"] for target in panel.get("targets", [])]
    found += [mark["expr"] for board in boards for mark in board["annotations"]["list"]]
    for name, value in CHOICES.items():
        found = [expression.replace(name, value) for expression in found]
    return found


def test_only_jobs_with_an_address_are_scraped(prometheus: Prometheus) -> None:
    assert prometheus.values("up") == {"prometheus": 1, "exporter": 1}


def test_all_rules_are_loaded_and_evaluate_without_error(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        loaded = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
        if all(rule["health"] == "ok" for rule in loaded) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert {rule["name"] for rule in loaded} == {rule.get("alert") or rule["record"] for rule in rules()}
    assert [(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"] == []


def test_metrics_of_the_exporter_can_be_queried(prometheus: Prometheus) -> None:
    assert prometheus.values("airflow_up") == {"exporter": 1}
    assert prometheus.values("mlflow_up") == {"exporter": 0}
    assert prometheus.values('airflow_dag_last_run_success{dag_id="ingest_diabetes"}') == {"exporter": 1}


@pytest.mark.parametrize("expression", sorted(set(_expressions())))
def test_a_panels_expression_is_valid(prometheus: Prometheus, expression: str) -> None:
    prometheus.get("query", query=expression)
