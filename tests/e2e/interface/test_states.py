"""A service away, no model yet: every page says so in a sentence, in a real browser, and none shows a traceback."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.interface.conftest import NOBODY
from tests.integration.api.process import running_api
from tests.support.interface import ANSWER_MS, PAGES, open_page, screenshot, words_on
from tests.support.mlflow import running_mlflow

EVERY_SERVICE = ("API_URL", "MLFLOW_TRACKING_URI", "AIRFLOW_URL", "PROMETHEUS_URL", "LOCUST_URL")
BROKEN = re.compile(r"Traceback|Error:|Exception|undefined|\bNaN\b|\bNone\b")
every_page = pytest.mark.parametrize("name", [name for name in PAGES if name != "runbooks"])  # it calls no service


@pytest.fixture(scope="module")
def without_a_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A registry with nothing in it, and the service that looks there."""
    folder = tmp_path_factory.mktemp("empty")
    with running_mlflow(f"sqlite:///{folder / 'mlflow.db'}", folder) as mlflow, running_api(folder, mlflow) as api:
        yield {"API_URL": api.url, "MLFLOW_TRACKING_URI": mlflow}


def is_sound(page: Page) -> None:
    assert BROKEN.search(words_on(page)) is None


@every_page
def test_with_the_api_away(beside: Callable[..., str], browser_page: Page, name: str) -> None:
    open_page(browser_page, beside(API_URL=NOBODY), name)
    expect(browser_page.get_by_text("API: no answer")).to_be_visible()
    is_sound(browser_page)
    screenshot(browser_page, f"ui-{name}-api-away")


@every_page
def test_with_mlflow_away(beside: Callable[..., str], browser_page: Page, name: str) -> None:
    open_page(browser_page, beside(MLFLOW_TRACKING_URI=NOBODY), name)
    expect(browser_page.get_by_text("Predictions continue with version")).to_be_visible()
    is_sound(browser_page)
    screenshot(browser_page, f"ui-{name}-mlflow-away")


def test_without_prometheus_monitoring_shows_traffic_and_names_the_reason_once(
    beside: Callable[..., str], browser_page: Page
) -> None:
    page = browser_page
    open_page(page, beside(PROMETHEUS_URL=NOBODY), "monitoring")
    expect(page.get_by_text("Prometheus cannot be reached")).to_have_count(1)
    expect(page.get_by_role("heading", name="Traffic and latency")).to_be_visible()
    expect(page.get_by_role("heading", name="Decisions about the version in production")).to_be_visible()
    expect(page.get_by_role("cell", name="promoted").first).to_be_visible(timeout=ANSWER_MS)
    assert not page.get_by_role("link", name=re.compile("Grafana|Prometheus|Alertmanager")).all()
    is_sound(page)
    screenshot(page, "ui-monitoring-no-prometheus")


@every_page
def test_with_everything_away(beside: Callable[..., str], browser_page: Page, name: str) -> None:
    open_page(browser_page, beside(**dict.fromkeys(EVERY_SERVICE, NOBODY)), name)
    expect(browser_page.get_by_text("MLflow: no answer")).to_be_visible()
    is_sound(browser_page)
    screenshot(browser_page, f"ui-{name}-all-away")


@every_page
def test_before_there_is_a_model(
    beside: Callable[..., str], without_a_model: dict[str, str], browser_page: Page, name: str
) -> None:
    open_page(browser_page, beside(**without_a_model), name)
    expect(browser_page.get_by_text("The API has no model yet")).to_be_visible()
    is_sound(browser_page)
    screenshot(browser_page, f"ui-{name}-no-model")
