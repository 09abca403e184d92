"""The choices of the Model page in its address."""

from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from ml.core.policies.threshold_table import FILE, ThresholdTable
from tests.integration.ui.address import address, opened
from tests.integration.ui.model.page import MODEL_PAGE, open_page
from tests.integration.ui.registry import FakeRegistry
from ui.thresholds.controls import By


@pytest.fixture(autouse=True)
def _table_of_the_challenger(registry: FakeRegistry, table: ThresholdTable) -> None:
    registry.files["4"][FILE] = table.to_bytes()


def test_a_reload_keeps_the_tab_and_the_versions_compared(app: AppTest) -> None:
    open_page(app, "compare")
    app.selectbox(key="compare-first").select("2").run()
    again = opened(MODEL_PAGE, address(app))
    assert again.session_state["view"] == "compare"
    assert [again.selectbox(key=f"compare-{one}").value for one in ("first", "second")] == ["2", "4"]


def test_a_reload_keeps_capacity_threshold_and_version(app: AppTest) -> None:
    open_page(app, "thresholds")
    app.selectbox(key="thresholds-version").select("4").run()
    app.number_input(key="thresholds-per-week").set_value(90).run()
    app.number_input(key="thresholds-capacity").set_value(12).run()
    app.segmented_control(key="thresholds-by").select(By.THRESHOLD).run()
    app.number_input(key="thresholds-threshold").set_value(12.5).run()
    shown = {one.label: one.value for one in app.metric}
    again = opened(MODEL_PAGE, address(app))
    assert {one.label: one.value for one in again.metric} == shown
    assert shown["Threshold"] == "12.5%"
    again.segmented_control(key="thresholds-by").select(By.CAPACITY).run()
    assert again.number_input(key="thresholds-capacity").value == 12


def test_a_reload_keeps_the_choices_of_the_tabs_that_are_not_shown(app: AppTest) -> None:
    open_page(app, "artifacts")
    app.segmented_control(key="artifacts-kind").select("card").run()
    app.segmented_control(key="view").select("decisions").run()
    again = opened(MODEL_PAGE, address(app))
    again.segmented_control(key="view").select("artifacts").run()
    assert again.segmented_control(key="artifacts-kind").value == "card"


def test_another_language_keeps_the_choices() -> None:
    app = opened(MODEL_PAGE, {"view": "thresholds", "thresholds-version": "4", "thresholds-capacity": "7"})
    before = address(app)
    app.segmented_control(key="language").select("es").run()
    assert not app.exception
    assert address(app) == before


def test_a_visit_to_another_page_keeps_the_choices() -> None:
    app = opened(MODEL_PAGE, {"view": "compare", "compare-first": "2"})
    before = address(app)
    app.query_params.clear()  # a link to another page
    app.switch_page("app_pages/monitoring.py").run()
    app.switch_page(MODEL_PAGE).run()
    assert address(app) == before


def test_going_back_shows_what_that_step_of_the_history_showed() -> None:
    app = opened(MODEL_PAGE, {"view": "compare", "compare-first": "2"})
    app.segmented_control(key="view").select("decisions").run()
    app.query_params.clear()  # what a browser has after the address was replaced
    for name, value in {"view": "decisions", "compare-first": "2"}.items():
        app.query_params[name] = value
    app.run()
    app.query_params["view"] = "compare"
    app.run()
    assert app.session_state["view"] == "compare"


@pytest.mark.parametrize(
    "query",
    [
        "view=secret&compare-first=99&artifacts-kind=<script>",
        "view=thresholds&thresholds-version=4&thresholds-capacity=0&thresholds-threshold=nan&thresholds-by=luck",
        "view=thresholds&thresholds-version=4&thresholds-capacity=1e9&thresholds-per-week=99999999999999999999",
        "view=decisions&all-versions=maybe",
    ],
)
def test_what_is_not_a_choice_is_replaced_by_the_default(query: str) -> None:
    given = {name: values[0] for name, values in parse_qs(query).items()}
    written = address(opened(MODEL_PAGE, given))
    plain = address(opened(MODEL_PAGE, {name: given[name] for name in given if given[name] in written.values()}))
    assert written == plain
