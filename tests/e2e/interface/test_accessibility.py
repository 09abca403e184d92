"""For everybody: axe-core finds nothing serious, in light and dark; narrow screens; a prediction by keyboard alone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.interface import VIEWS, open_page, screenshot, settle

SERIOUS = {"serious", "critical"}


def violations(page: Page) -> list[str]:
    """What axe-core finds serious, each with the places it was found at."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} at {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_axe_finds_nothing_serious(ui_url: str, browser_page: Page, name: str, scheme: str) -> None:
    page = browser_page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_page(page, ui_url, name)
    screenshot(page, f"ui-{name}-{scheme}")
    assert violations(page) == []


def test_axe_finds_nothing_serious_in_a_result(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_role("strong").filter(has_text="fields known")).to_be_visible(timeout=30_000)
    settle(page)
    assert violations(page) == []


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_is_cut_off_on_a_narrow_screen(ui_url: str, browser_page: Page, name: str) -> None:
    page = browser_page
    page.set_viewport_size({"width": 400, "height": 850})
    open_page(page, ui_url, name)
    screenshot(page, f"ui-{name}-narrow")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400


def test_a_prediction_by_keyboard_alone(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    page.get_by_role("combobox", name="Race").focus()
    page.keyboard.type("Asian")
    page.keyboard.press("Enter")
    for _step in range(40):
        if page.evaluate("document.activeElement.innerText").strip().endswith("Predict"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("strong").filter(has_text="1 of 47 fields known")).to_be_visible(timeout=30_000)
