"""F5 and the back button on the Model and the Monitoring page, in a real browser on the running stack."""

import re

from playwright.sync_api import Page, expect

from tests.support.interface import ANSWER_MS, open_page, settle

CALLED = "Patients that can be called per week"


def address_has(page: Page, parameter: str) -> None:
    """Wait until the address has a parameter."""
    page.wait_for_function("text => location.search.includes(text)", arg=parameter, timeout=ANSWER_MS)


def test_tab_capacity_and_window_survive_reload_language_and_the_back_button(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, "model")
    page.get_by_role("radio", name="Capacity and threshold").click()
    calls = page.get_by_role("spinbutton", name=CALLED)
    calls.fill("35", timeout=ANSWER_MS)
    calls.press("Enter")
    address_has(page, "thresholds-capacity=35")
    steps = page.evaluate("history.length")
    page.reload()
    settle(page)
    expect(calls).to_have_value("35", timeout=ANSWER_MS)
    address_has(page, "view=thresholds")
    assert page.evaluate("history.length") == steps

    page.get_by_role("link", name="Monitoring", exact=True).first.click()
    page.get_by_role("radio", name="6 hours").click(timeout=ANSWER_MS)
    address_has(page, "monitoring-window=6h")
    page.get_by_role("radio", name="Español").click()
    address_has(page, "language=es")
    page.reload()
    settle(page)
    expect(page.get_by_role("radio", name="6 horas")).to_be_checked(timeout=ANSWER_MS)

    page.go_back()  # the language is a step of its own
    page.go_back()
    expect(page.get_by_role("heading", level=1, name=re.compile("^Model"))).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_role("spinbutton").nth(1)).to_have_value("35", timeout=ANSWER_MS)
    address_has(page, "view=thresholds")
