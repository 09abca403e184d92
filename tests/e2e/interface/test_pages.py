"""The other pages, in a real browser, on the running stack with a production model."""

import re

from playwright.sync_api import Page, expect

from tests.support.interface import ANSWER_MS, open_page, screenshot, settle
from tests.support.native import NativeStack
from ui.clients.airflow import SUCCESS, AirflowClient


def test_the_model_page_shows_metrics_with_intervals_plots_report_and_decisions(
    ui_url: str, browser_page: Page
) -> None:
    page = browser_page
    open_page(page, ui_url, "model")
    row = page.get_by_role("row", name=re.compile("AUROC")).first
    expect(row).to_be_visible(timeout=ANSWER_MS)
    expect(row.get_by_text(re.compile(r"0\.\d{3,4} to 0\.\d{3,4}")).first).to_be_visible()
    page.get_by_role("radio", name="Plots and report").click()
    expect(page.get_by_role("img").first).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    screenshot(page, "ui-model-plots")
    page.get_by_role("radio", name="Decisions").click()
    expect(page.get_by_text("promoted").first).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-model-decisions")


def test_monitoring_shows_traffic_and_links(native: NativeStack, ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, "monitoring")
    expect(page.get_by_role("heading", name="Drift")).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    screenshot(page, "ui-monitoring")
    places = {link.get_attribute("href") or "" for link in page.get_by_role("link").all()}
    assert any(place.startswith(f"http://localhost:{native.ports[9090]}") for place in places)
    assert any("/dags/monitor_diabetes" in place for place in places)


def test_the_overview_says_how_every_service_is(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, "overview")
    for service in ("Prediction API", "MLflow", "Airflow", "Locust"):
        expect(page.get_by_text(service, exact=True).first).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-home")


def test_the_client_of_the_buttons_speaks_to_a_real_airflow(native: NativeStack) -> None:
    with AirflowClient(native.url(8080), 30, "airflow", "airflow") as airflow:
        assert airflow.health().scheduler.is_healthy
        newest = next(run for run in airflow.latest_runs("ingest_diabetes") if run.is_finished)
        assert newest.state == SUCCESS
        assert "split" in {task.task_id for task in airflow.tasks("ingest_diabetes", newest.dag_run_id)}
