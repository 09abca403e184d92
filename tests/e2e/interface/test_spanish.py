"""In Spanish no English word is left, but for names and what Streamlit itself says."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.interface.conftest import NOBODY
from tests.support.english import english_in
from tests.support.interface import ANSWER_MS, PAGES, VIEWS, open_page, screenshot, settle, words_on

STREAMLIT_SAYS = re.compile(
    r"keyboard_[a-z_]+|Select an option|Choose an option|Main menu|Deploy|Close|View fullscreen|Fullscreen"
    r"|Download as CSV|Search|Show/hide columns|Upload|Browse files?|Drag and drop files? here|\d+MB per file • CSV"
    r"|Limit \d+MB per file|Skip to main content|Clear value|Open|Increment value|Decrement value|Stop|Help for [^|]*"
    r"|Choose date|Add:|press enter to add|Copy to clipboard|Link to heading|Made with|Toggle|Expand|Collapse",
    re.IGNORECASE,
)


def english_on(page: Page) -> list[str]:
    """English words with what is around them."""
    return english_in(STREAMLIT_SAYS.sub(" ", words_on(page)))


@pytest.mark.parametrize("name", VIEWS)
def test_no_english_is_left(ui_url: str, browser_page: Page, name: str) -> None:
    open_page(browser_page, ui_url, name, language="es")
    screenshot(browser_page, f"ui-{name}-es")
    assert english_on(browser_page) == []


def test_no_english_is_left_in_form_and_result(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, language="es")
    for group in page.get_by_test_id("stExpander").all():
        group.locator("summary").click()
    page.get_by_role("button", name="Predecir", exact=True).click()
    expect(page.get_by_role("strong").filter(has_text="de 47 campos")).to_be_visible(timeout=30_000)
    settle(page)
    screenshot(page, "ui-result-es")
    assert english_on(page) == []


def test_the_language_is_chosen_in_the_app_and_stays(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    page.get_by_role("radio", name="Español").click()
    expect(page.get_by_role("button", name="Predecir", exact=True)).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Modelo").click()
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Modelo")


def test_the_language_is_the_browsers_until_one_is_chosen_and_then_stays_after_a_reload(
    ui_url: str, browser: Browser
) -> None:
    with browser.new_context(locale="es-MX") as context:
        page = context.new_page()
        open_page(page, ui_url)
        expect(page.get_by_role("button", name="Predecir", exact=True)).to_be_visible(timeout=ANSWER_MS)
        page.get_by_role("radio", name="English").click()
        expect(page.get_by_role("button", name="Predict", exact=True)).to_be_visible(timeout=ANSWER_MS)
        page.get_by_role("link", name="Model", exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Model", timeout=ANSWER_MS)
        settle(page)
        page.reload()
        settle(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("Model")


@pytest.mark.parametrize("name", PAGES)
def test_no_english_is_left_without_prometheus(beside: Callable[..., str], browser_page: Page, name: str) -> None:
    open_page(browser_page, beside(PROMETHEUS_URL=NOBODY), name, language="es")
    screenshot(browser_page, f"ui-{name}-es-no-prometheus")
    assert english_on(browser_page) == []


def test_a_hospital_can_start_in_spanish(beside: Callable[..., str], browser_page: Page) -> None:
    open_page(browser_page, beside(UI_LANGUAGE="es"))
    expect(browser_page.get_by_role("button", name="Predecir", exact=True)).to_be_visible(timeout=30_000)
