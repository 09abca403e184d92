"""The form of Predict, its address, the print view and what if, in a real browser on the running stack."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.interface.actions import choose, predict
from tests.support.interface import ANSWER_MS, open_page, screenshot, settle

WIDTHS = [(1366, 768), (390, 844)]


def open_group(page: Page, name: str) -> None:
    page.get_by_test_id("stExpander").filter(has_text=name).locator("summary").first.click()
    settle(page)


def test_an_everyday_word_finds_diagnoses_and_a_click_chooses_one(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    open_group(page, "Diagnoses")
    page.get_by_role("textbox", name="Primary diagnosis").press_sequentially("stroke", delay=30)
    expect(page.get_by_text("is not a code in ICD-9-CM. Did you mean")).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("button", name=re.compile("^434 Occlusion")).or_(
        page.get_by_role("radio", name=re.compile("^434 Occlusion"))
    ).first.click()
    expect(page.get_by_role("textbox", name="Primary diagnosis")).to_have_value("434", timeout=ANSWER_MS)
    predict(page)
    expect(page.get_by_role("strong").filter(has_text="1 of 47 fields known")).to_be_visible()


def test_the_form_survives_reload_and_the_back_button_and_its_address_has_no_identifier(
    ui_url: str, browser_page: Page
) -> None:
    page = browser_page
    open_page(page, ui_url)
    choose(page, "Race", "Asian")
    open_group(page, "Identity")
    patient = page.get_by_role("textbox", name="Patient")
    patient.fill("MRN-0042")
    patient.press("Tab")
    page.wait_for_function("location.search.includes('race=Asian')", timeout=ANSWER_MS)
    assert "0042" not in page.url
    page.reload()
    settle(page)
    expect(page.get_by_role("combobox", name="Race")).to_have_value("Asian", timeout=ANSWER_MS)
    choose(page, "Gender", "Female")
    page.wait_for_function("location.search.includes('gender=Female')", timeout=ANSWER_MS)
    page.get_by_role("link", name="Model", exact=True).first.click()
    expect(page.get_by_role("heading", level=1, name="Model")).to_be_visible(timeout=ANSWER_MS)
    page.go_back()
    expect(page.get_by_role("combobox", name="Gender")).to_have_value("Female", timeout=ANSWER_MS)
    expect(page.get_by_role("combobox", name="Race")).to_have_value("Asian")
    assert "race=Asian" in page.url


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_result_prints_on_one_page(ui_url: str, browser_page: Page, language: str, tmp_path: Path) -> None:
    page = browser_page
    open_page(page, ui_url, language=language)
    page.locator(".st-key-example button").click()
    page.locator(".st-key-predict button").click()
    expect(page.locator(".st-key-printout h1")).to_have_count(1, timeout=ANSWER_MS)
    settle(page)
    expect(page.locator(".st-key-printout")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".st-key-printout h1")).to_be_visible()
    expect(page.locator(".st-key-predict button")).to_be_hidden()
    pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm"))
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    page.screenshot(path=tmp_path / "print.png")


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_several_fields_are_changed_and_a_curve_is_drawn(
    ui_url: str, browser_page: Page, size: tuple[int, int], scheme: str, language: str
) -> None:
    page = browser_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_page(page, ui_url, language=language)
    page.locator(".st-key-example button").click()
    page.locator(".st-key-predict button").click()
    what_if, curve = page.locator(".st-key-what-if"), page.locator(".st-key-risk-curve")
    expect(curve).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    for field in ("number_inpatient", "insulin"):
        label = {"number_inpatient": ("Inpatient stays", "Ingresos"), "insulin": ("Insulin", "Insulina")}[field]
        box = what_if.get_by_role("combobox").first
        box.click()
        box.fill(label[language == "es"])
        page.get_by_role("option").first.click()
        settle(page)
    page.keyboard.press("Escape")
    stays = what_if.get_by_role("spinbutton").first
    stays.fill("6")
    stays.press("Tab")
    expect(what_if.get_by_test_id("stMetricValue")).to_be_visible(timeout=ANSWER_MS)
    curve.get_by_role("combobox").click()
    curve.get_by_role("combobox").fill("Inpatient stays" if language == "en" else "Ingresos")
    page.get_by_role("option").first.click()
    expect(curve.get_by_test_id("stVegaLiteChart").locator("svg, canvas").first).to_be_visible(timeout=ANSWER_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    settle(page)
    screenshot(page, f"ui-predict-{size[0]}-{scheme}-{language}")
