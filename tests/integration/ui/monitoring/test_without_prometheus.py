"""The Monitoring page without Prometheus: everything comes from the real API, with and without its PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api
from tests.integration.api.storage.databases import migrate
from tests.integration.api.storage.test_monitoring_results import monitored
from tests.integration.ui.conftest import APP
from tests.integration.ui.monitoring.page import NOBODY, links, open_page, page_text, tables

SERVICES = ("MLFLOW_TRACKING_URI", "AIRFLOW_URL", "PROMETHEUS_URL", "LOCUST_URL")
StartPage = Callable[[ApiProcess], AppTest]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ApiProcess]]:
    """Starts the API with a model."""
    with running_registry() as registry:
        registry.promote("7", write_bundle(tmp_path / "bundle"))
        running = []

        def start(**settings: str) -> ApiProcess:
            running.append(running_api(tmp_path, registry.url, **settings))
            process = running[-1].__enter__()
            process.wait_until_ready()
            return process

        yield start
        for one in running:
            one.__exit__(None, None, None)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StartPage]:
    """Opens the page before an API, with no other service."""
    monkeypatch.chdir(tmp_path)
    for name in SERVICES:
        monkeypatch.setenv(name, NOBODY)

    def start(api: ApiProcess) -> AppTest:
        monkeypatch.setenv("API_URL", api.url)
        st.cache_resource.clear()
        return open_page(AppTest.from_file(str(APP), default_timeout=300))

    yield start
    st.cache_resource.clear()


def test_traffic_drift_quality_and_decisions_are_shown(
    start: Callable[..., ApiProcess], page: StartPage, postgres_url: str, database_settings: dict[str, str]
) -> None:
    migrate(postgres_url)
    monitored(sa.create_engine(postgres_url, poolclass=sa.NullPool))
    api = start(**{name.upper(): value for name, value in database_settings.items()})
    for _request in range(20):
        api.client.post("/predict", json={"records": [{"age": "[60-70)"}]}).raise_for_status()
    api.client.post("/predict", json={"records": [{"age": "old"}]})

    app = page(api)

    text = page_text(app)
    assert text.count("Prometheus cannot be reached") == 1
    assert "`apt install prometheus`" in text
    headline = {metric.label: metric.value for metric in app.metric}
    assert float(headline["Requests/s"]) > 0
    assert headline["Errors"] == "0.0%"
    assert headline["Served version"] == "7"
    assert "Alerts firing" not in headline
    assert "About 20 predictions, median" in text
    assert "**Drift.**" in text
    assert "**These differ: Race: 0.300, drift from 0.100 on.**" in text
    assert "Version 1: 300 outcomes are known, which is 100% of the predictions" in text
    assert "Source: the API, `GET /metrics`." in text
    assert "Source: the API, `GET /monitoring`." in text
    assert "Alert on these values" not in text
    responses = next(table for table in tables(app) if "status 422" in table.columns)
    assert list(responses.columns) == ["Time", "status 200", "status 422"]
    decisions = next(table for table in tables(app) if "Decision" in table.columns)
    assert list(decisions["Decision"]) == ["refused", "promoted"]
    assert links(app) == {}


def test_without_postgresql_traffic_is_shown_and_the_rest_says_what_is_missing(
    start: Callable[..., ApiProcess], page: StartPage
) -> None:
    api = start()
    api.client.post("/predict", json={"records": [{"age": "[60-70)"}]}).raise_for_status()

    text = page_text(page(api))

    assert "About 1 prediction, median" in text
    assert text.count("PostgreSQL is unavailable; try again in a moment") == 3  # drift, quality, decisions
    assert "has not run yet" not in text
