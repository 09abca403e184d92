"""Two versions of the genuine data: compared, rolled back and forth in a real browser. Runs last: it adds a version."""

import re
from functools import partial

import httpx
import pytest
from playwright.sync_api import Page, expect

from ml.core.names import MODEL_NAME
from tests.e2e.interface.actions import unlock
from tests.integration.api.conftest import eventually
from tests.support.interface import ANSWER_MS, open_page, screenshot, settle
from tests.support.native import NativeStack

TRAIN = ".venv/bin/python -m ml train --family gradient_boosting"
RUN_MS = 180_000
"""A run of Airflow."""


def run_metrics(native: NativeStack, version: str) -> dict[str, float]:
    """The metrics of a version's run, as MLflow has them."""
    with httpx.Client(base_url=f"{native.url(5000)}/api/2.0/mlflow", timeout=30) as mlflow:
        found = mlflow.get("/model-versions/get", params={"name": MODEL_NAME, "version": version}).json()
        run = mlflow.get("/runs/get", params={"run_id": found["model_version"]["run_id"]}).json()
    return {one["key"]: one["value"] for one in run["run"]["data"]["metrics"]}


def serves(native: NativeStack, version: str) -> bool:
    return bool(httpx.get(f"{native.url(8000)}/model").json()["version"] == version)


def roll_back(page: Page, present: str, to: str) -> None:
    """Go to another version, as an operator does, and wait for the end of the run."""
    page.get_by_role("combobox", name="Version to go back to").click(timeout=ANSWER_MS)
    page.get_by_role("option", name=re.compile(rf"^{to} \(")).click()
    page.get_by_role("button", name="Roll back…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(f"from version {present} to version {to}")).to_be_visible(timeout=ANSWER_MS)
    dialog.get_by_label("Who decides").fill("R. Diaz")
    dialog.get_by_label("Reason, for the ledger").fill("A browser test")
    dialog.get_by_label(f"Type {to} to confirm").fill(to)
    dialog.get_by_role("button", name=f"Roll back to version {to}").click()
    done = page.get_by_text(f"Production is version {to} again, and version {present} is withdrawn.")
    expect(done).to_be_visible(timeout=RUN_MS)


@pytest.fixture(scope="module")
def both(native: NativeStack) -> tuple[str, str]:
    """Numbers of the forest and of the boosting version; the second is in production."""
    done = native.run(TRAIN, 1200)
    assert done.returncode == 0, done.stdout + done.stderr
    eventually(lambda: serves(native, "2"), seconds=60)
    return "1", "2"


def test_with_one_version_there_is_nothing_to_compare_or_to_go_back_to(ui_url: str, browser_page: Page) -> None:
    page = browser_page
    open_page(page, ui_url, "model-compare")
    expect(page.get_by_text("There is one version only: a comparison needs two.")).to_be_visible(timeout=ANSWER_MS)
    open_page(page, ui_url, "model-roll-back")
    key = page.get_by_label("Operator key")
    key.fill("a guess", timeout=ANSWER_MS)
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("That is not the operator key.")).to_be_visible(timeout=ANSWER_MS)
    unlock(page)
    expect(page.get_by_text("There is no other version to go back to.")).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-model-roll-back")


def test_the_comparison_shows_the_metrics_of_mlflow_and_the_settings_that_differ(
    native: NativeStack, both: tuple[str, str], ui_url: str, browser_page: Page
) -> None:
    page = browser_page
    open_page(page, ui_url, "model-compare")
    expect(page.get_by_text("Both were trained and measured on the same data")).to_be_visible(timeout=ANSWER_MS)
    shown = page.get_by_role("row", name=re.compile("^AUROC")).first.inner_text()
    for version in both:
        assert f"{run_metrics(native, version)['auroc']:.4f}" in shown
    for setting in ("n_estimators", "learning_rate"):
        expect(page.get_by_role("row", name=re.compile(setting)).first).to_be_visible()
    settle(page)
    screenshot(page, "ui-model-compare")


def test_production_goes_back_and_forth_and_answers_page_and_ledger_agree(
    native: NativeStack, both: tuple[str, str], ui_url: str, browser_page: Page
) -> None:
    page, (forest, boosting) = browser_page, both
    open_page(page, ui_url, "model-roll-back")
    unlock(page)
    for present, to in ((boosting, forest), (forest, boosting)):
        roll_back(page, present, to)
        eventually(partial(serves, native, to), seconds=60)
    screenshot(page, "ui-model-rolled-back")
    page.get_by_role("radio", name="Decisions").click()
    expect(page.get_by_text("promoted; withdrawn").first).to_be_visible(timeout=ANSWER_MS)
    screenshot(page, "ui-model-decisions-after")
    ledger = native.run(".venv/bin/python -m ml ledger --json", 60).stdout
    assert len(re.findall(r"R\. Diaz \(\w+@Airflow: roll_back_model", ledger)) == 2, ledger
    assert ledger.count(": A browser test") == 2
