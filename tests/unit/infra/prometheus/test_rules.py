"""The rules: each has a scenario, a runbook and complete annotations, and reads catalogued series only."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from infra.prometheus.configuration import UI_URL
from tests.support.metrics import known_series
from tests.unit.infra.prometheus.prometheus_files import ROOT, alerts, metric_names, recorded, rules, scenarios

RUNBOOK_PARTS: Final = ["## Look here first", "## Do", "## Over when"]


def test_metric_names_of_an_expression() -> None:
    expression = (
        'sum by (job, le) (rate(a_bucket{route="/x", k=~"b_total.*"}[5m])) / on (job) group_left () max(c:d)'
        " > 26 * 3600 and bool_metric offset 15m or 0 * up"
    )
    assert metric_names(expression) == {"a_bucket", "c:d", "bool_metric", "up"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_catalogued_series_only(rule: dict[str, Any]) -> None:
    used = metric_names(rule["expr"])
    assert used
    assert used <= known_series() | recorded()


def test_alert_names_are_unique() -> None:
    names = [alert["alert"] for alert in alerts()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_has_a_severity_and_all_annotations(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert set(alert["annotations"]) == {"summary", "description", "action", "runbook_url"}
    for name in ("description", "action"):
        assert alert["annotations"][name].endswith("."), f"{name} is a sentence"


def test_every_alert_links_to_its_runbook_and_every_runbook_has_its_alert() -> None:
    urls = {alert["alert"]: alert["annotations"]["runbook_url"] for alert in alerts()}
    assert urls == {name: f"{UI_URL}/runbooks?name={name}" for name in urls}
    assert sorted(urls) == sorted(page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md"))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_a_runbook_has_all_sections_and_no_dead_link(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [f"# {page.stem}", *RUNBOOK_PARTS]
    assert any(line.startswith("**Impact.** ") for line in lines)
    links = {page.parent / link for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())}
    assert {link for link in links if not link.is_file()} == set()


@pytest.mark.parametrize("name", [alert["alert"] for alert in alerts()])
def test_a_scenario_makes_the_alert_fire(name: str) -> None:
    tests = [test for file in scenarios().values() for test in file["tests"]]
    samples = [
        sample["labels"]
        for test in tests
        for check in test.get("promql_expr_test", [])
        for sample in check.get("exp_samples", [])
    ]
    checked = {check["alertname"] for test in tests for check in test.get("alert_rule_test", []) if check["exp_alerts"]}
    assert name in checked | {found for labels in samples for found in re.findall(r'alertname="(\w+)"', labels)}


def test_the_healthy_scenario_has_every_series_that_an_alert_reads() -> None:
    """Otherwise an alert would not fire there only for lack of data."""
    given = {
        name
        for test in scenarios()["healthy"]["tests"][:1]
        for row in test["input_series"]
        for name in metric_names(row["series"])
    }
    by_name = {rule["record"]: metric_names(rule["expr"]) for rule in rules() if "record" in rule}
    read = {name for alert in alerts() for name in metric_names(alert["expr"])}
    needed = {raw for name in read for raw in by_name.get(name, {name})}
    assert needed - given == set()
