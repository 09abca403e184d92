"""Predict, in a real browser, on the running stack with a production model."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.interface.actions import choose, predict
from tests.support.interface import ANSWER_MS, open_page, screenshot, settle

PERCENTAGE = re.compile(r"^\d{1,3}\.\d%$")


def test_a_person_gets_a_risk_from_race_gender_and_age(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    expect(page.get_by_text(re.compile(r"Production in MLflow: diabetes-readmission version \d+"))).to_be_visible()
    choose(page, "Race", "Caucasian")
    choose(page, "Gender", "Female")
    choose(page, "Age", "60 to 69")
    predict(page)
    expect(page.get_by_text(PERCENTAGE).first).to_be_visible()
    expect(page.get_by_role("strong").filter(has_text="3 of 47 fields known")).to_be_visible()
    said = page.get_by_text(re.compile(r"Model diabetes-readmission, version \d+\. Request \S+"))  # the print view too
    expect(said.first).to_be_visible()
    # Three fields say too little for a rank.
    expect(page.get_by_text("No rank: the known fields hold").first).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    screenshot(page, "ui-predict")


def test_the_example_patient_is_predicted_and_explained_with_all_fields_known(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    page.get_by_role("button", name="Example patient").click()
    expect(page.get_by_role("combobox", name="Age")).to_have_value("60 to 69")
    predict(page)
    expect(page.get_by_role("strong").filter(has_text="47 of 47 fields known")).to_be_visible()
    expect(page.get_by_role("heading", name="Where this risk comes from")).to_be_visible()
    for chart in (0, 1):
        drawn = page.get_by_test_id("stVegaLiteChart").nth(chart).locator("svg")
        expect(drawn).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    screenshot(page, "ui-result")


def test_one_field_is_changed_and_the_risk_moves(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    page.get_by_role("button", name="Example patient").click()
    expect(page.get_by_role("combobox", name="Age")).to_have_value("60 to 69")
    predict(page)
    settle(page)
    what_if = page.locator(".st-key-what-if")
    field = what_if.get_by_role("combobox", name="Change fields")
    field.click()
    field.fill("Inpatient stays")
    page.get_by_role("option", name="Inpatient stays").click()
    page.keyboard.press("Escape")
    stays = what_if.get_by_role("spinbutton", name="Inpatient stays")
    expect(stays).to_have_value("1", timeout=ANSWER_MS)
    stays.fill("6")
    stays.press("Enter")
    expect(what_if.get_by_text(re.compile(r"Before \d+\.\d%, after \d+\.\d%"))).to_be_visible(timeout=ANSWER_MS)


def test_a_number_that_is_not_allowed_is_named_beside_the_button_and_its_group_opens(
    ui_url: str, browser_page: Page
) -> None:
    page = browser_page
    open_page(page, ui_url)
    predict(page)
    group = page.get_by_test_id("stExpander").filter(has_text="This stay")
    group.locator("summary").click()
    field = page.get_by_role("spinbutton", name="Distinct medications")
    field.fill("9")
    field.press("Tab")
    expect(page.get_by_text("Of the former entries")).to_be_visible(timeout=ANSWER_MS)
    expect(field).to_be_visible()  # the group stays open
    field.fill("990")
    group.locator("summary").click()  # closed again, with the number in it
    settle(page)
    expect(page.get_by_text("Of the former entries")).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("Distinct medications “990”")).to_be_visible(timeout=ANSWER_MS)
    expect(field).to_be_visible()
    expect(page.get_by_role("strong").filter(has_text="fields known")).to_have_count(0)
    expect(page.get_by_text("Of the former entries")).to_have_count(0)
    field.fill("12")
    page.get_by_role("button", name="Predict", exact=True).click()  # while the number is still being entered
    expect(page.get_by_role("strong").filter(has_text="1 of 47 fields known")).to_be_visible(timeout=ANSWER_MS)


def test_the_contributions_of_one_field_are_drawn(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    choose(page, "Age", "60 to 69")
    predict(page)
    expect(page.get_by_role("heading", name="Where this risk comes from")).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart").last.locator("svg")
    expect(chart).to_be_visible(timeout=ANSWER_MS)
    expect(chart.locator(".mark-rect path").first).to_be_visible()
    settle(page)
    screenshot(page, "ui-predict-one-field")


def test_a_diagnosis_is_found_by_its_name(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    page.get_by_test_id("stExpander").filter(has_text="Diagnoses").locator("summary").click()
    diagnosis = page.get_by_role("textbox", name="Primary diagnosis")
    diagnosis.press_sequentially("heart failure", delay=50)
    expect(page.get_by_text("428 Heart failure").first).to_be_visible(timeout=ANSWER_MS)
    predict(page)
    expect(page.get_by_role("strong").filter(has_text="1 of 47 fields known")).to_be_visible()


def test_a_wrong_diagnosis_is_named_and_what_was_entered_stays(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url)
    choose(page, "Race", "Asian")
    page.get_by_test_id("stExpander").filter(has_text="Diagnoses").locator("summary").click()
    diagnosis = page.get_by_role("textbox", name="Second diagnosis")
    diagnosis.fill("xyzzy")
    diagnosis.press("Enter")
    page.get_by_role("button", name="Predict", exact=True).click()
    alert = page.get_by_test_id("stAlert")
    expect(alert.get_by_text("Second diagnosis (ICD-9-CM) “xyzzy”")).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("link", name="Model", exact=True).first.click()
    expect(page.get_by_role("heading", level=1, name="Model")).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("link", name="Prediction", exact=True).first.click()
    expect(page.get_by_role("combobox", name="Race")).to_have_value("Asian", timeout=ANSWER_MS)
