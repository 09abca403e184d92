"""A capacity becomes a policy: on the Model page, in Predict, in Batch and in the API, until it is withdrawn."""

from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from ml.schema import EXAMPLE_RECORD
from tests.e2e.interface.actions import genuine_rows, metric, predict, shown_cells, unlock, upload
from tests.support.interface import ANSWER_MS, open_page, screenshot, settle
from tests.support.native import NativeStack

NAME = "Llamadas, planta 3"


def decide(page: Page, button: str) -> None:
    """Fill in the form of the policy, and press one of its buttons."""
    page.get_by_label("Name of the policy").fill(NAME, timeout=ANSWER_MS)
    page.get_by_label("Who decides").fill("R. Diaz")
    page.get_by_label("Reason, for the ledger").fill("Twenty calls a week")
    page.get_by_role("button", name=button).click()


def test_a_capacity_becomes_a_policy_that_flags_everywhere_until_it_is_withdrawn(
    native: NativeStack, ui_url: str, browser_page: Page, genuine_file: Path, tmp_path: Path
) -> None:
    page = browser_page
    open_page(page, ui_url, "model-thresholds")
    calls = page.get_by_role("spinbutton", name="Patients that can be called per week")
    calls.fill("20", timeout=ANSWER_MS)
    calls.press("Enter")
    settle(page)
    assert metric(page, "Flagged per week") <= 20
    threshold = metric(page, "Threshold") / 100
    unlock(page)
    decide(page, f"Put the threshold {threshold:.1%} in force")
    expect(page.get_by_text(f"In force: {NAME}, from a risk of {threshold:.1%} on.")).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-model-policy")

    with httpx.Client(base_url=native.url(8000), timeout=30) as api:
        answer = api.post("/predict", json={"records": [dict(EXAMPLE_RECORD)]}).json()
        assert answer["policy"]["name"] == NAME
        assert answer["flagged"] == [answer["predictions"][0] >= threshold]

    open_page(page, ui_url)
    page.get_by_role("button", name="Example patient").click()
    predict(page)
    said = "Flagged: the risk is at or above" if answer["flagged"][0] else "Not flagged: the risk is below"
    expect(page.get_by_text(f"{said} the threshold of the policy {NAME}").first).to_be_visible(timeout=ANSWER_MS)

    open_page(page, ui_url, "batch")
    upload(page, genuine_rows(genuine_file, tmp_path / "ward.csv", 200))
    expect(page.get_by_text("Rows scored")).to_be_visible(timeout=60_000)
    settle(page)
    assert "Flagged" in shown_cells(page)[0]

    open_page(page, ui_url, "model-thresholds")
    unlock(page)
    decide(page, "Withdraw the policy")
    expect(page.get_by_text("No policy is in force: no encounter is flagged.")).to_be_visible(timeout=ANSWER_MS)
    assert httpx.get(f"{native.url(8000)}/policy").json()["policy"] is None
