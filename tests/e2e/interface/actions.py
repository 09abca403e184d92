"""What a person does on the pages of the interface, and what the browser then shows."""

import csv
import re
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OPERATOR_KEY
from tests.support.interface import ANSWER_MS


def upload(page: Page, path: Path) -> None:
    """Upload a file to Batch and score it."""
    page.get_by_test_id("stFileUploader").first.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name=re.compile(r"Score [\d,]+ rows")).click(timeout=ANSWER_MS)


def downloaded(page: Page, name: str) -> list[dict[str, str]]:
    """The rows of what a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def genuine_rows(genuine_file: Path, path: Path, rows: int) -> Path:
    """The header and the first rows of the delivered file, as they are."""
    with zipfile.ZipFile(genuine_file) as archive:
        name = next(name for name in archive.namelist() if name.endswith("diabetic_data.csv"))
        with archive.open(name) as file:
            path.write_bytes(b"".join(next(file) for _line in range(rows + 1)))
    return path


def shown_cells(page: Page) -> list[list[str]]:
    """The table of results as the browser has it: it is drawn on a canvas, with its cells in an accessible table."""
    table = page.get_by_test_id("stDataFrame").locator("canvas table").last
    expect(table.locator("tbody tr").first).to_be_attached(timeout=ANSWER_MS)
    return [row.locator("td, th").all_text_contents() for row in table.locator("tr").all()]


def choose(page: Page, label: str, option: str) -> None:
    """Pick one option of a select box, as a person does."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def predict(page: Page) -> None:
    """Press Predict and wait for the result."""
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_role("strong").filter(has_text="fields known")).to_be_visible(timeout=ANSWER_MS)


def metric(page: Page, label: str) -> float:
    """The number of a figure on the page."""
    shown = page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")
    return float(shown.inner_text(timeout=ANSWER_MS).rstrip("%"))


def unlock(page: Page) -> None:
    """Enter the operator key."""
    key = page.get_by_label("Operator key")
    key.fill(OPERATOR_KEY, timeout=ANSWER_MS)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("Operator key accepted")).to_be_visible(timeout=ANSWER_MS)
