"""Batch, in a real browser, on the running stack with a production model."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from ml.schema import EXAMPLE_RECORD
from tests.e2e.interface.actions import downloaded, genuine_rows, shown_cells, upload
from tests.support.interface import ANSWER_MS, open_page, screenshot, settle

ROWS = 2500


def a_file(path: Path, age: str = "[60-70)") -> Path:
    """A file of patients; the last one has this age."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, EXAMPLE_RECORD)
        table.writeheader()
        for number in range(ROWS):
            table.writerow({**EXAMPLE_RECORD, "number_inpatient": number % 9})
        table.writerow({**EXAMPLE_RECORD, "age": age})
    return path


def test_a_file_is_scored_sorted_and_downloaded(ui_url: str, browser_page: Page, tmp_path: Path) -> None:
    page = browser_page
    open_page(page, ui_url, "batch")
    upload(page, a_file(tmp_path / "patients.csv"))
    expect(page.get_by_text("Rows scored")).to_be_visible(timeout=60_000)
    settle(page)
    screenshot(page, "ui-batch-result")
    risks = [float(row["readmission_risk"]) for row in downloaded(page, "Download, highest risk first")]
    assert len(risks) == ROWS + 1
    assert risks == sorted(risks, reverse=True)


def test_the_genuine_file_and_the_template_are_scored_and_shown(
    ui_url: str, browser_page: Page, genuine_file: Path, tmp_path: Path
) -> None:
    page = browser_page
    open_page(page, ui_url, "batch")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download a template").click()
    template = Path(download.value.path()).rename(tmp_path / "template.csv")
    for path, rows in ((genuine_rows(genuine_file, tmp_path / "diabetic_data.csv", 1_500), 1_500), (template, 2)):
        upload(page, path)
        expect(page.get_by_text("Rows scored")).to_be_visible(timeout=60_000)
        settle(page)
        screenshot(page, f"ui-batch-{path.stem}")
        header, *cells = shown_cells(page)
        assert any(title.startswith("Risk within 30 days (full bar: ") for title in header)
        assert len(cells) >= min(rows, 5)
        assert not [cell for row in cells for cell in row if cell in ("None", "nan")]


def test_a_wrong_cell_is_named_by_line_and_column_with_what_is_allowed(
    ui_url: str, browser_page: Page, tmp_path: Path
) -> None:
    page = browser_page
    open_page(page, ui_url, "batch")
    upload(page, a_file(tmp_path / "patients.csv", age="old"))
    expect(page.get_by_text("1 line has errors.")).to_be_visible(timeout=60_000)
    screenshot(page, "ui-batch-errors")
    (error,) = downloaded(page, "Download the errors")
    assert list(error.values())[:4] == ["age", "old", "1", str(ROWS + 2)]
    assert "[60-70)" in " ".join(error.values())


def test_ranges_reasons_and_the_capacity_of_a_file_are_shown_on_request(
    ui_url: str, browser_page: Page, genuine_file: Path, tmp_path: Path
) -> None:
    page = browser_page
    open_page(page, ui_url, "batch")
    page.get_by_test_id("stFileUploader").first.locator("input[type=file]").set_input_files(
        genuine_rows(genuine_file, tmp_path / "ward.csv", 300)
    )
    page.get_by_text("Ranges: the risk if all fields were known").click(timeout=ANSWER_MS)
    page.get_by_role("button", name="Score 300 rows").click()
    page.get_by_role("button", name="Show what counts most in the first 60 rows").click(timeout=60_000)
    expect(page.get_by_text("of the first 60 rows.")).to_be_visible(timeout=60_000)
    settle(page)  # a click while the page is drawn again is lost

    page.get_by_text("Capacity and threshold", exact=True).click()
    calls = page.get_by_role("spinbutton", name="Patients that can be called per week")
    calls.fill("25", timeout=ANSWER_MS)
    calls.press("Enter")
    settle(page)
    screenshot(page, "ui-batch-on-request")
    header, *cells = shown_cells(page)
    counts_most = header.index("Counts most")
    assert [row for row in cells if not re.search(r"[+−]\d", row[counts_most])] == []
    assert {"Range from", "Range to"} <= set(header)
    rows = downloaded(page, "Download, highest risk first")
    risks = [float(row["readmission_risk"]) for row in rows if not row["outside_population"]]
    flagged = page.get_by_test_id("stMetric").filter(has_text="Flagged in the file")
    number = int(flagged.get_by_test_id("stMetricValue").inner_text())
    threshold = page.get_by_test_id("stMetric").filter(has_text="Threshold").get_by_test_id("stMetricValue")
    lowest = float(threshold.inner_text().rstrip("%")) / 100
    assert number <= 25
    assert number == sum(risk >= lowest for risk in risks)


def test_outcomes_are_shown_before_they_are_sent_and_counted_after(
    ui_url: str, browser_page: Page, genuine_file: Path, tmp_path: Path
) -> None:
    page, rows = browser_page, 40
    path = genuine_rows(genuine_file, tmp_path / "discharged.csv", rows)
    open_page(page, ui_url, "batch")
    upload(page, path)
    expect(page.get_by_text("Rows scored")).to_be_visible(timeout=60_000)
    page.get_by_text("Report outcomes", exact=True).click()
    page.get_by_test_id("stFileUploader").last.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text(f"Preview: {rows} outcomes")).to_be_visible(timeout=ANSWER_MS)
    send = page.get_by_role("button", name=f"Send {rows} outcomes")
    send.click()
    expect(page.get_by_text(f"Stored: {rows} new. Without a logged prediction: 0.")).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-batch-outcomes")
    send.click()
    expect(page.get_by_text(f"Stored: {rows} known before.")).to_be_visible(timeout=ANSWER_MS)
