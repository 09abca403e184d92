"""The interface in a real browser, on the running stack with a production model."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

SCREENSHOTS = Path("build/screenshots")
PERCENTAGE = re.compile(r"^\d{1,3}\.\d%$")
ANSWER_MS = 30_000


def choose(page: Page, label: str, option: str) -> None:
    """Pick one option of a select box, as a person does."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_text("fields known")).to_be_visible(timeout=ANSWER_MS)


def open_predict_page(page: Page, ui_url: str) -> None:
    page.goto(ui_url)
    expect(page.get_by_role("heading", name="30-day readmission risk")).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_role("combobox", name="Race")).to_be_visible(timeout=ANSWER_MS)


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def test_a_person_gets_a_risk_from_race_gender_and_age(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_predict_page(page, ui_url)
    expect(page.get_by_text(re.compile(r"Production in MLflow: diabetes-readmission version \d+"))).to_be_visible()
    choose(page, "Race", "Caucasian")
    choose(page, "Gender", "Female")
    choose(page, "Age", "60 to 69")
    predict(page)
    expect(page.get_by_text(PERCENTAGE)).to_be_visible()
    expect(page.get_by_text("3 of 47 fields known")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Model diabetes-readmission, version \d+\. Request \S+"))).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-predict")


def test_the_example_patient_is_predicted_with_all_fields_known(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_predict_page(page, ui_url)
    page.get_by_role("button", name="Example patient").click()
    expect(page.get_by_role("combobox", name="Age")).to_have_value("60 to 69")
    predict(page)
    expect(page.get_by_text("47 of 47 fields known")).to_be_visible()


def test_a_wrong_diagnosis_is_named_and_what_was_entered_stays(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_predict_page(page, ui_url)
    choose(page, "Race", "Asian")
    page.get_by_text(re.compile(r"^Diagnoses \(")).click()
    diagnosis = page.get_by_role("combobox", name="Second diagnosis")
    diagnosis.fill("flu")
    diagnosis.press("Enter")
    page.get_by_role("button", name="Predict", exact=True).click()
    alert = page.get_by_test_id("stAlert")
    expect(alert.get_by_text("Second diagnosis (ICD-9-CM) “flu”")).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("link", name="Model").click()
    expect(page.get_by_role("heading", name="Measured on held-out patients")).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("link", name="Predict").click()
    expect(page.get_by_role("combobox", name="Race")).to_have_value("Asian", timeout=ANSWER_MS)


def test_the_model_page_shows_metrics_with_intervals(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    page.goto(f"{ui_url.rstrip('/')}/model")
    row = page.get_by_role("row", name=re.compile("AUROC"))
    expect(row).to_be_visible(timeout=ANSWER_MS)
    expect(row.get_by_text(re.compile(r"^0\.\d{4} to 0\.\d{4}$"))).to_be_visible()
    screenshot(page, "ui-model")


def test_nothing_is_cut_off_on_a_narrow_screen(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    page.set_viewport_size({"width": 400, "height": 850})
    open_predict_page(page, ui_url)
    predict(page)
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 400
    screenshot(page, "ui-predict-narrow")
