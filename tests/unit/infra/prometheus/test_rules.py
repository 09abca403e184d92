"""The rules: they are sound, tested, and read only what is really exported."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from infra.prometheus.catalogue import known_series
from tests.unit.infra.prometheus.prometheus_files import ROOT, alerts, metric_names, recorded, rules, scenarios

RUNBOOK_PARTS: Final = ["## Look here first", "## Do", "## Over when"]


def _names(found: list[dict[str, Any]], key: str) -> list[str]:
    return [rule[key] for rule in found]


def test_the_names_in_an_expression_are_found() -> None:
    expression = (
        'sum by (job, le) (rate(a_bucket{route="/x", k=~"b_total.*"}[5m])) / on (job) group_left () max(c:d)'
        " > 26 * 3600 and bool_metric offset 15m or 0 * up"
    )
    assert metric_names(expression) == {"a_bucket", "c:d", "bool_metric", "up"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_only_known_series(rule: dict[str, Any]) -> None:
    used = metric_names(rule["expr"])
    assert used
    assert used <= known_series() | recorded()


def test_alert_names_are_unique() -> None:
    names = _names(alerts(), "alert")
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_what_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert set(alert["annotations"]) == {"summary", "description", "action", "runbook"}
    for name in ("description", "action"):
        assert alert["annotations"][name].endswith("."), f"{name} is a sentence"


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    named = {alert["alert"]: ROOT / alert["annotations"]["runbook"] for alert in alerts()}
    assert {name: page.stem for name, page in named.items()} == {name: name for name in named}
    assert sorted(named.values()) == sorted((ROOT / "docs" / "runbooks").glob("*.md"))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_a_runbook_says_what_it_means_where_to_look_what_to_do_and_when_it_is_over(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [line for line in lines if line.startswith("#")] == [f"# {page.stem}", *RUNBOOK_PARTS]
    assert any(line.startswith("**Impact.** ") for line in lines)
    links = {page.parent / link for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())}
    assert {link for link in links if not link.is_file()} == set()


@pytest.mark.parametrize("name", _names(alerts(), "alert"))
def test_an_alert_is_shown_to_fire(name: str) -> None:
    fired = {
        found
        for file in scenarios().values()
        for test in file["tests"]
        for check in test.get("promql_expr_test", [])
        for sample in check.get("exp_samples", [])
        for found in re.findall(r'alertname="(\w+)"', sample["labels"])
    } | {
        check["alertname"]
        for file in scenarios().values()
        for test in file["tests"]
        for check in test.get("alert_rule_test", [])
        if check["exp_alerts"]
    }
    assert name in fired


def test_the_silence_of_a_healthy_stack_means_something() -> None:
    """Every series that an alert reads is there in the healthy scenario, so no alert is silent for want of data."""
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
