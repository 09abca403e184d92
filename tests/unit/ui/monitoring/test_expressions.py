"""The questions of the Monitoring page: known to the catalogue, to Grafana, to the rules and to Prometheus's parser."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from infra.grafana.build import DASHBOARDS
from tests.support.metrics import ENDINGS, entries, known_series
from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import alerts, metric_names, recorded, rules
from ui.monitoring import expressions, links
from ui.monitoring.alert_texts import meanings
from ui.monitoring.expressions import QUESTIONS, Now, Question
from ui.monitoring.window import Window

OWN = {
    expressions.REQUESTS_NOW: "the recorded rate of five minutes; Grafana's fits its zoom",
    expressions.P99_NOW: "Grafana draws it over time only",
    expressions.DATABASE_UP: "tells a database that is away from a run that has not been",
    expressions.ESTIMATED: "of all figures at once; Grafana draws the AUROC",
}
"""Questions that no dashboard asks, and why this page does."""
SHARED = [question for question in QUESTIONS if question not in OWN]


def plain(expression: str) -> str:
    """An expression as it is with all choices of a dashboard left open but the route, and without its ranges."""
    chosen = expression.replace('route=~"$route"', 'route="/predict"')
    chosen = re.sub(r'\w+=~"\$\w+",? ?', "", chosen).replace("{}", "")
    return re.sub(r"\[\$__\w+\]", "[range]", re.sub(r"\s+", " ", chosen))


def of_grafana() -> set[str]:
    boards = (dashboard.as_json() for dashboard in DASHBOARDS)
    panels = (panel for board in boards for panel in board["panels"])
    return {plain(target["expr"]) for panel in panels for target in panel.get("targets", ())}


def threshold_of(alert: str) -> str:
    return str(next(rule["expr"] for rule in alerts() if rule["alert"] == alert))


def test_every_question_is_asked_in_a_refresh() -> None:
    named = {value.text for value in vars(expressions).values() if isinstance(value, Question)}
    assert sorted(question.text for question in QUESTIONS) == sorted(named)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_a_question_reads_only_known_series(question: Question) -> None:
    used = metric_names(question.text)
    assert used
    assert used <= known_series() | recorded()


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_the_source_that_a_panel_names_is_what_the_question_reads(question: Question) -> None:
    raw = {rule["record"]: metric_names(rule["expr"]) for rule in rules() if "record" in rule}
    read = {name for used in metric_names(question.text) for name in raw.get(used, {used})}
    (entry,) = [entry for entry in entries() if entry.name == question.metric]
    assert read <= {question.metric, *(question.metric + ending for ending in ENDINGS.get(entry.kind, ()))}


@pytest.mark.parametrize("question", SHARED, ids=lambda question: question.text)
def test_grafana_asks_the_same_alone_or_within_another_question(question: Question) -> None:
    assert [asked for asked in of_grafana() if plain(question.text) in asked]


@pytest.mark.parametrize("question", OWN, ids=lambda question: question.text)
def test_what_grafana_does_not_ask_is_listed_with_the_reason(question: Question) -> None:
    assert not [asked for asked in of_grafana() if plain(question.text) in asked]


@pytest.mark.parametrize("window", Window)
def test_prometheus_understands_every_question(window: Window, tmp_path: Path) -> None:
    rules_of = [{"record": f"question:{number}", "expr": one.within(window)} for number, one in enumerate(QUESTIONS)]
    file = tmp_path / "questions.yml"
    file.write_text(json.dumps({"groups": [{"name": "questions", "rules": rules_of}]}))  # JSON is YAML
    promtool = required("promtool", package="prometheus")
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"{len(QUESTIONS)} rules found" in done.stdout


@pytest.mark.parametrize(
    ("alert", "limit"),
    [
        ("ApiSlow", f"> {expressions.SLOW_SECONDS}"),
        ("ApiServerErrors", f"> {expressions.FAILING_SHARE}"),
        ("RealisedQualityLow", f"< {expressions.LEAST_AUROC}"),
        ("CalibrationOff", f"> {expressions.MOST_INTERCEPT}"),
        ("CalibrationOff", f"< -{expressions.MOST_INTERCEPT}"),
    ],
)
def test_the_limits_drawn_are_those_of_the_alerts(alert: str, limit: str) -> None:
    assert limit in threshold_of(alert)


def test_every_alert_has_its_meaning_and_no_other() -> None:
    assert meanings().keys() == {rule["alert"] for rule in alerts()}


def test_the_links_lead_to_dashboards_that_exist() -> None:
    assert set(links.DASHBOARDS) == {dashboard.uid for dashboard in DASHBOARDS}


def test_a_rate_overlaps_the_steps_and_spans_four_scrapes() -> None:
    assert [(window.step, window.rate_seconds) for window in Window] == [(15, 40), (60, 70), (360, 370), (1440, 1450)]


def test_ranges_are_put_in_for_the_window() -> None:
    assert expressions.SCORES.within(Window.SIX_HOURS).endswith("[6h]))")
    assert "[70s]" in expressions.P95.within(Window.HOUR)
    assert isinstance(expressions.SCORES, Now)
