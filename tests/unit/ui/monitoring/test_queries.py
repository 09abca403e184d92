"""The queries of the Monitoring page, compared with the catalogue, Grafana, the rules and Prometheus's parser."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from infra.grafana.build import DASHBOARDS
from tests.support.metrics import ENDINGS, entries, known_series
from tests.support.programs import required
from tests.unit.infra.prometheus.prometheus_files import metric_names, recorded, rules
from ui.monitoring import links, queries
from ui.monitoring.queries import QUERIES, Query
from ui.monitoring.window import Window

OWN = {
    queries.REQUESTS_NOW: "the recorded rate of five minutes; Grafana fits the range to its zoom",
    queries.P99_NOW: "Grafana draws it over time only",
    queries.SERVED_NOW: "one version, or the newest while replicas change; Grafana shows that of each replica",
    queries.DATABASE_UP: "distinguishes a database that is down from a missing run",
    queries.ESTIMATED: "all metrics at once; Grafana draws the AUROC",
}
"""Queries without a dashboard, and why this page has them."""
SHARED = [query for query in QUERIES if query not in OWN]


def plain(expression: str) -> str:
    """An expression as it is with all choices of a dashboard left open but the route, and without its ranges."""
    chosen = expression.replace('route=~"$route"', 'route="/predict"')
    chosen = re.sub(r'\w+=~"\$\w+",? ?', "", chosen).replace("{}", "")
    return re.sub(r"\[\$__\w+\]", "[range]", re.sub(r"\s+", " ", chosen))


def of_grafana() -> set[str]:
    boards = (dashboard.as_json() for dashboard in DASHBOARDS)
    panels = (panel for board in boards for panel in board["panels"])
    return {plain(target["expr"]) for panel in panels for target in panel.get("targets", ())}


def test_a_refresh_sends_every_query() -> None:
    named = {value.text for value in vars(queries).values() if isinstance(value, Query)}
    assert sorted(query.text for query in QUERIES) == sorted(named)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_a_query_reads_only_known_series(query: Query) -> None:
    used = metric_names(query.text)
    assert used
    assert used <= known_series() | recorded()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.text)
def test_the_metric_of_a_query_is_what_it_reads(query: Query) -> None:
    raw = {rule["record"]: metric_names(rule["expr"]) for rule in rules() if "record" in rule}
    read = {name for used in metric_names(query.text) for name in raw.get(used, {used})}
    (entry,) = [entry for entry in entries() if entry.name == query.metric]
    assert read <= {query.metric, *(query.metric + ending for ending in ENDINGS.get(entry.kind, ()))}


@pytest.mark.parametrize("query", SHARED, ids=lambda query: query.text)
def test_grafana_has_the_same_expression(query: Query) -> None:
    assert [expression for expression in of_grafana() if plain(query.text) in expression]


@pytest.mark.parametrize("query", OWN, ids=lambda query: query.text)
def test_queries_without_a_dashboard_are_listed_with_the_reason(query: Query) -> None:
    assert not [expression for expression in of_grafana() if plain(query.text) in expression]


@pytest.mark.parametrize("window", Window)
def test_prometheus_parses_every_query(window: Window, tmp_path: Path) -> None:
    rules_of = [{"record": f"query:{number}", "expr": one.within(window)} for number, one in enumerate(QUERIES)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules_of}]}))  # JSON is YAML
    promtool = required("promtool", package="prometheus")
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"{len(QUERIES)} rules found" in done.stdout


def test_the_links_lead_to_dashboards_that_exist() -> None:
    assert links.dashboards().keys() == {dashboard.uid for dashboard in DASHBOARDS}


def test_a_rate_overlaps_the_steps_and_spans_four_scrapes() -> None:
    assert [(window.step, window.rate_seconds) for window in Window] == [(15, 40), (60, 70), (360, 370), (1440, 1450)]


def test_ranges_are_replaced_for_the_window() -> None:
    assert queries.SCORES.within(Window.SIX_HOURS).endswith("[6h]))")
    assert "[70s]" in queries.P95.within(Window.HOUR)
