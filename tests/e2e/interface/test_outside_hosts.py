"""No page of the interface, Airflow or MLflow calls another machine: a hospital's browser often reaches none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.support.interface import ANSWER_MS, PAGES, open_page
from tests.support.native import NativeStack

LOOPBACK: Final = {"127.0.0.1", "localhost", "::1", None}
"""None: data and blob addresses."""
REFERENCES: Final = """() => [
    ...[...document.querySelectorAll('link[href]')].filter(one => one.rel !== 'canonical').map(one => one.href),
    ...[...document.querySelectorAll('[src]')].map(one => one.src),
]"""
"""What the page loads by itself. A browser without a window does not fetch icons, so that no request shows them."""
AIRFLOW: Final = ("", "dags", "dags/ingest_diabetes", "dags/monitor_diabetes", "dags/roll_back_model", "assets")
MLFLOW: Final = ("", "#/experiments", "#/models", "#/models/diabetes-readmission")


def is_outside(address: str) -> bool:
    return urlsplit(address).hostname not in LOOPBACK


@contextmanager
def only_loopback(context: BrowserContext) -> Iterator[list[str]]:
    """Refuse every request to another machine; yields their addresses."""
    outside: list[str] = []

    def refuse(route: Route, request: Request) -> None:
        outside.append(request.url)
        route.abort()

    context.route(is_outside, refuse)
    context.route_web_socket(is_outside, lambda socket: outside.append(socket.url))
    yield outside


def referenced_outside(page: Page) -> list[str]:
    return [address for address in page.evaluate(REFERENCES) if is_outside(address)]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_the_interface_calls_another_machine(ui_url: str, browser_page: Page, name: str) -> None:
    with only_loopback(browser_page.context) as outside:
        open_page(browser_page, ui_url, name)
        assert referenced_outside(browser_page) == []
    assert outside == []


def test_no_page_of_airflow_calls_another_machine(native: NativeStack, browser_page: Page) -> None:
    page, url = browser_page, native.url(8080)
    with only_loopback(page.context) as outside:
        page.goto(f"{url}/auth/login")
        page.locator("input[name=username]").fill("airflow")
        page.locator("input[name=password]").fill("airflow")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Dags").first).to_be_visible(timeout=ANSWER_MS)
        for path in AIRFLOW:
            page.goto(f"{url}/{path}")
            page.wait_for_load_state("networkidle")
            assert referenced_outside(page) == []
    assert outside == []


def test_no_page_of_mlflow_calls_another_machine(native: NativeStack, browser_page: Page) -> None:
    with only_loopback(browser_page.context) as outside:
        for path in MLFLOW:
            browser_page.goto(f"{native.url(5000)}/{path}")
            # MLflow's pages ask for news all the time: the network is never idle.
            expect(browser_page.locator("#root")).not_to_be_empty(timeout=ANSWER_MS)
            assert referenced_outside(browser_page) == []
    assert outside == []
