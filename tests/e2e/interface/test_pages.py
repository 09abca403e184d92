"""The other pages, in a real browser, on the running stack with a production model."""

import csv
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from ml.schema import EXAMPLE_RECORD
from tests.e2e.interface.conftest import OPERATOR_KEY
from tests.support.interface import ANSWER_MS, open_page, screenshot, settle
from tests.support.native import NativeStack
from ui.clients.airflow import SUCCESS, AirflowClient

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


def upload(page: Page, path: Path) -> None:
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name=re.compile(r"Score [\d,]+ rows")).click(timeout=ANSWER_MS)


def downloaded(page: Page, name: str) -> list[dict[str, str]]:
    """The rows of what a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


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


def test_the_model_page_shows_metrics_with_intervals_plots_report_and_decisions(
    ui_url: str, browser_page: Page
) -> None:
    page = browser_page
    open_page(page, ui_url, "model")
    row = page.get_by_role("row", name=re.compile("AUROC")).first
    expect(row).to_be_visible(timeout=ANSWER_MS)
    expect(row.get_by_text(re.compile(r"0\.\d{3,4} to 0\.\d{3,4}")).first).to_be_visible()
    page.get_by_role("radio", name="Plots and report").click()
    expect(page.get_by_role("img").first).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    screenshot(page, "ui-model-plots")
    page.get_by_role("radio", name="Decisions").click()
    expect(page.get_by_text("promoted").first).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-model-decisions")


def test_monitoring_shows_traffic_and_links(native: NativeStack, ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, "monitoring")
    expect(page.get_by_role("heading", name="Drift")).to_be_visible(timeout=ANSWER_MS)
    settle(page)
    screenshot(page, "ui-monitoring")
    places = {link.get_attribute("href") or "" for link in page.get_by_role("link").all()}
    assert any(place.startswith(f"http://localhost:{native.ports[9090]}") for place in places)
    assert any("/dags/monitor_diabetes" in place for place in places)


def test_the_overview_says_how_every_service_is(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, "overview")
    for service in ("Prediction API", "MLflow", "Airflow", "Locust"):
        expect(page.get_by_text(service, exact=True).first).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-home")


def test_the_client_of_the_buttons_speaks_to_a_real_airflow(native: NativeStack) -> None:
    with AirflowClient(native.url(8080), 30, "airflow", "airflow") as airflow:
        assert airflow.health().scheduler.is_healthy
        newest = next(run for run in airflow.latest_runs("ingest_diabetes") if run.is_finished)
        assert newest.state == SUCCESS
        assert "split" in {task.task_id for task in airflow.tasks("ingest_diabetes", newest.dag_run_id)}


def test_going_back_asks_for_the_operators_key_and_says_that_there_is_nothing_before(
    beside: Callable[..., str], browser_page: Page
) -> None:
    page = browser_page
    open_page(page, beside(OPERATOR_KEY=OPERATOR_KEY), "model")
    page.get_by_role("radio", name="Roll back").click()
    key = page.get_by_label("Operator key")
    key.fill("a guess", timeout=ANSWER_MS)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("That is not the operator key.")).to_be_visible(timeout=ANSWER_MS)
    key.fill(OPERATOR_KEY)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("There is no other version to go back to.")).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-model-roll-back")
