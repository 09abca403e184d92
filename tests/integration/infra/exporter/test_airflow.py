"""Metrics that the exporter reads from Airflow."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from infra.exporter.collector import PlatformCollector
from tests.integration.infra.exporter.conftest import UNREACHABLE, Scrape
from tests.integration.infra.exporter.fakes import NOW, FakeAirflow

Make = Callable[..., PlatformCollector]


def test_components_have_health_and_heartbeat_age(make_collector: Make, scrape: Scrape) -> None:
    found = scrape(make_collector())
    assert found["airflow_up"] == 1
    assert found["airflow_component_healthy{metadatabase}"] == 1
    assert found["airflow_component_healthy{scheduler}"] == 1
    assert found["airflow_component_healthy{dag_processor}"] == 0
    assert 4 <= found["airflow_component_heartbeat_age_seconds{scheduler}"] < 60
    assert "airflow_component_heartbeat_age_seconds{metadatabase}" not in found


def test_a_component_that_never_started_is_not_healthy(
    make_collector: Make, scrape: Scrape, airflow: FakeAirflow
) -> None:
    airflow.triggerer = None
    found = scrape(make_collector())
    assert found["airflow_component_healthy{triggerer}"] == 0
    assert "airflow_component_heartbeat_age_seconds{triggerer}" not in found


def test_tasks_of_all_pools_are_counted(make_collector: Make, scrape: Scrape) -> None:
    found = scrape(make_collector())
    assert (found["airflow_tasks{queued}"], found["airflow_tasks{running}"]) == (4, 1)


def test_a_dag_whose_last_run_failed_exports_the_time_of_its_last_success(
    make_collector: Make, scrape: Scrape, airflow: FakeAirflow
) -> None:
    airflow.add_run("ingest_diabetes", "success", minutes_ago=90)
    airflow.add_run("ingest_diabetes", "success", minutes_ago=60)
    airflow.add_run("ingest_diabetes", "failed", minutes_ago=30, seconds=12)
    found = scrape(make_collector())
    assert found["airflow_dag_runs{ingest_diabetes,success}"] == 2
    assert found["airflow_dag_runs{failed,ingest_diabetes}"] == 1
    assert found["airflow_dag_last_run_success{ingest_diabetes}"] == 0
    assert found["airflow_dag_last_run_duration_seconds{ingest_diabetes}"] == 12
    succeeded = (NOW - timedelta(minutes=60)).timestamp()
    assert found["airflow_dag_last_success_timestamp_seconds{ingest_diabetes}"] == succeeded


def test_a_dag_without_runs_exports_only_whether_it_is_paused(make_collector: Make, scrape: Scrape) -> None:
    found = scrape(make_collector())
    assert found["airflow_dag_paused{auto_model_train_diabetes}"] == 1
    assert found["airflow_dag_paused{ingest_diabetes}"] == 0
    assert found["airflow_import_errors"] == 2
    assert not [name for name in found if name.startswith("airflow_dag_last")]


def test_the_token_is_reused_and_renewed_when_airflow_rejects_it(
    make_collector: Make, scrape: Scrape, airflow: FakeAirflow
) -> None:
    collector = make_collector()
    scrape(collector)
    scrape(collector)
    assert len(airflow.tokens) == 1
    airflow.tokens.append("Airflow restarted with another secret")
    found = scrape(collector)
    assert len(airflow.tokens) == 3
    assert found["exporter_scrape_errors_total{airflow}"] == 0
    assert "airflow_dag_paused{ingest_diabetes}" in found


def test_a_refused_login_leaves_the_health_metrics(make_collector: Make, scrape: Scrape, airflow: FakeAirflow) -> None:
    airflow.password = "changed"
    found = scrape(make_collector())
    assert found["airflow_component_healthy{scheduler}"] == 1
    assert found["exporter_scrape_errors_total{airflow}"] == 1
    assert "airflow_import_errors" not in found


def test_unreachable_services_export_up_0_and_count_errors(
    make_collector: Make, scrape: Scrape, caplog: pytest.LogCaptureFixture
) -> None:
    collector = make_collector(airflow_url=UNREACHABLE)
    scrape(collector)
    found = scrape(collector)
    assert found["airflow_up"] == 0
    assert found["mlflow_up"] == 0
    assert found["exporter_scrape_errors_total{airflow}"] == 2
    assert found["exporter_scrape_errors_total{mlflow}"] == 2
    assert not [name for name in found if name.startswith(("airflow_dag", "airflow_component", "mlflow_model"))]
    assert found["warehouse_up"] == 0
    assert found["exporter_scrape_errors_total{warehouse}"] == 2
    assert len(caplog.records) == 3, "a repeated error is logged once per target, not once per scrape"


def test_a_slow_service_does_not_delay_a_scrape_beyond_the_time_limit(
    make_collector: Make, scrape: Scrape, airflow: FakeAirflow
) -> None:
    airflow.delay = 0.4
    found = scrape(make_collector(exporter_timeout_seconds=0.6))
    assert found["airflow_component_healthy{scheduler}"] == 1
    assert found["exporter_scrape_errors_total{airflow}"] == 1


def test_a_response_in_an_unknown_format_counts_as_an_error(
    make_collector: Make, scrape: Scrape, airflow: FakeAirflow
) -> None:
    airflow.dags = {"ingest_diabetes": "perhaps"}  # type: ignore[dict-item]
    found = scrape(make_collector())
    assert found["exporter_scrape_errors_total{airflow}"] == 1
    assert found["airflow_up"] == 1
