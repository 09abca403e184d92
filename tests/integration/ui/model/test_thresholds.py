"""Capacity and threshold on the Model page: controls, figures, suppression, and what is said where there are none.

The table is counted by the training's code. ``tests/integration/ui/test_genuine_thresholds.py`` has the genuine data
and the real services.
"""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ml.core.policies.figures import figures_at, step_for_capacity
from ml.core.policies.threshold_table import FILE, ThresholdTable
from tests.integration.ui.conftest import Platform, ReceivedRequest, Reply
from tests.integration.ui.model.page import open_page, page_text
from tests.integration.ui.registry import FakeRegistry
from ui.thresholds.controls import By

KEY = "key of the operator"


@pytest.fixture
def policies(platform: Platform) -> dict[str, Any]:
    """The state of /policy, as the API answers it: ``tests/integration/api/storage/test_policies.py``."""
    state: dict[str, Any] = {"policy": None, "changes": []}

    def change(request: ReceivedRequest) -> Reply:
        if {name.lower(): value for name, value in request.headers.items()}.get("x-operator-key") != KEY:
            return 403, platform.problem(403, "The operator's key is required: send it as X-Operator-Key.")
        wanted = request.json()
        recorded = {**wanted, "id": len(state["changes"]) + 1, "changed_at": "2026-11-29T01:02:03+00:00"}
        state.update(policy=wanted["policy"], changes=[recorded, *state["changes"]])
        return 200, state

    platform.more |= {("GET", "/policy"): lambda _request: (200, state), ("PUT", "/policy"): change}
    return state


@pytest.fixture
def page(app: AppTest, registry: FakeRegistry, table: ThresholdTable, policies: dict[str, Any]) -> AppTest:
    assert policies["policy"] is None
    registry.files["3"][FILE] = table.to_bytes()
    return open_page(app, "thresholds")


def test_a_capacity_gives_a_threshold_and_its_figures(page: AppTest, table: ThresholdTable) -> None:
    page.number_input(key="thresholds-per-week").set_value(80).run()
    page.number_input(key="thresholds-capacity").set_value(20).run()
    assert not page.exception
    figures = figures_at(table, step_for_capacity(table, 20 / 80))
    sensitivity = figures.overall.sensitivity
    assert sensitivity is not None
    shown = {one.label: one.value for one in page.metric}
    assert shown["Threshold"] == f"{100 * figures.threshold:.1f}%"
    assert shown["Readmissions caught"] == f"{100 * sensitivity.value:.1f}%"
    text = page_text(page)
    assert f"{100 * sensitivity.value:.1f}% ({100 * sensitivity.low:.1f}% to {100 * sensitivity.high:.1f}%)" in text
    for words in ("Number needed to evaluate", "LACE proxy at the same threshold", "Follow up nobody", "Missed: "):
        assert words in text
    assert text.count("Equal-opportunity ratio") == 3


def test_small_groups_are_not_shown(page: AppTest) -> None:
    by_age = next(frame.value for frame in page.dataframe if frame.value.index.name == "Age (years)")
    assert "under 10" in by_age["Flagged"].tolist()
    small = by_age[by_age["Missed"] == "under 10"]
    assert set(small["Sensitivity"]) == {"–"}


def test_a_threshold_is_taken_as_it_is(page: AppTest) -> None:
    page.session_state["thresholds-by"] = By.THRESHOLD
    page.run()
    page.number_input(key="thresholds-threshold").set_value(12.5).run()
    assert {one.label: one.value for one in page.metric}["Threshold"] == "12.5%"


@pytest.mark.parametrize("content", [None, b"not a table"])
def test_a_version_without_a_readable_table_says_so(
    app: AppTest, registry: FakeRegistry, content: bytes | None, policies: dict[str, Any]
) -> None:
    assert policies["policy"] is None
    if content is not None:
        registry.files["3"][FILE] = content
    assert "Version 3 has no figures by threshold" in page_text(open_page(app, "thresholds"))


def test_an_operator_puts_a_policy_in_force_and_withdraws_it(
    app: AppTest,
    registry: FakeRegistry,
    table: ThresholdTable,
    policies: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPERATOR_KEY", KEY)
    registry.files["3"][FILE] = table.to_bytes()
    open_page(app, "thresholds")
    assert "No policy is in force" in page_text(app)
    app.text_input(key="policy-key").set_value(KEY)
    app.button(key="policy-unlock").click().run()
    app.session_state["thresholds-by"] = By.THRESHOLD
    app.run()
    app.number_input(key="thresholds-threshold").set_value(15.0).run()
    app.text_input(key="policy-name").set_value("Calls of ward 3")
    app.button(key="policy-put").click().run()
    assert "Fill in: Who decides, Reason, for the ledger." in page_text(app)
    app.text_input(key="policy-actor").set_value("R. Diaz")
    app.text_input(key="policy-reason").set_value("two nurses")
    app.button(key="policy-put").click().run()
    assert not app.exception
    assert "In force: **Calls of ward 3**, from a risk of 15.0% on." in page_text(app)
    assert policies["changes"][0].items() >= {"actor": "R. Diaz", "reason": "two nurses", "model_version": "3"}.items()
    app.button(key="policy-withdraw").click().run()
    assert "No policy is in force" in page_text(app)


def test_without_the_api_the_figures_stay(page: AppTest, platform: Platform) -> None:
    platform.more[("GET", "/policy")] = lambda _request: (500, {})
    page.run()
    assert "Number needed to evaluate" in page_text(page)
    assert "answered with status 500" in page_text(page)
