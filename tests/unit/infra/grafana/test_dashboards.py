"""The dashboards: equal to what the builder writes, complete, and reading catalogued series only."""

import json
import re
from typing import Any

import pytest
import yaml

from infra.grafana.build import FOLDER, render
from infra.grafana.panels import RUNBOOKS, stat
from tests.support.metrics import known_series
from tests.unit.infra.prometheus.prometheus_files import ROOT, alerts, metric_names, recorded

FILES = sorted(FOLDER.glob("*.json"))
DASHBOARDS: list[dict[str, Any]] = [json.loads(file.read_text()) for file in FILES]
PROVISIONING = FOLDER.parent / "provisioning"


def _panels() -> list[Any]:
    return [
        pytest.param(panel, id=f"{board['uid']}: {panel['title']}")
        for board in DASHBOARDS
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def _alerts(panel: dict[str, Any]) -> list[str]:
    """Names of the alerts that a panel links to."""
    urls = (link["url"] for link in panel.get("links", []))
    return [match[1] for url in urls if (match := re.fullmatch(r"/alerting/list\?search=(\w+)", url))]


def _expressions(board: dict[str, Any]) -> list[str]:
    return [
        *(target["expr"] for panel in board["panels"] for target in panel.get("targets", [])),
        *(mark["expr"] for mark in board["annotations"]["list"]),
    ]


def test_the_committed_files_equal_the_builders_output() -> None:
    committed = {file: file.read_text() for file in FILES}
    assert committed == render(), "run: python -m infra.grafana.build"


def test_dashboards_have_stable_uids_and_no_database_ids() -> None:
    assert [board["uid"] for board in DASHBOARDS] == [
        "api-model",
        "field",
        "load-test",
        "pipelines",
        "services",
    ]
    assert [file.stem for file in FILES] == [board["uid"] for board in DASHBOARDS]
    assert not [board for board in DASHBOARDS if "id" in board]


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
def test_panels_have_unique_ids_and_do_not_overlap(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert sorted(ids) == sorted(set(ids))
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        cells |= taken


@pytest.mark.parametrize("panel", _panels())
def test_a_panel_has_title_description_unit_and_data_source(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "prometheus"
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "prometheus"
        assert target["legendFormat"]


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
def test_a_dashboard_reads_catalogued_series_only(board: dict[str, Any]) -> None:
    used = set().union(*(metric_names(expression) for expression in _expressions(board)))
    assert used <= known_series() | recorded()


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
def test_the_defined_variables_are_those_in_use(board: dict[str, Any]) -> None:
    given = {variable["name"] for variable in board["templating"]["list"]}
    used = {name for expression in _expressions(board) for name in re.findall(r"\$(\w+)", expression)}
    assert used - {"__rate_interval"} == given - {RUNBOOKS}


@pytest.mark.parametrize("panel", _panels())
def test_a_panel_links_to_its_alerts_and_their_runbooks(panel: dict[str, Any]) -> None:
    names = _alerts(panel)
    assert set(names) <= {alert["alert"] for alert in alerts()}
    urls = [(f"/alerting/list?search={name}", f"${{{RUNBOOKS}}}?name={name}") for name in names]
    assert [link["url"] for link in panel["links"]] == [url for pair in urls for url in pair]


def test_a_panel_refuses_an_alert_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="ApiFast"):
        stat("Title", "Description.", ("up", "up"), alerts=["ApiFast"])


def test_every_alert_has_a_panel() -> None:
    linked = {name for board in DASHBOARDS for panel in board["panels"] for name in _alerts(panel)}
    assert linked == {alert["alert"] for alert in alerts()}


def test_every_dashboard_marks_promotions() -> None:
    for board in DASHBOARDS:
        assert "Promotions" in [mark["name"] for mark in board["annotations"]["list"]]


def test_data_sources_have_fixed_uids_and_are_read_only() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "platform.yml").read_text())["datasources"]
    assert [(source["uid"], source["type"]) for source in sources] == [
        ("prometheus", "prometheus"),
        ("alertmanager", "alertmanager"),
    ]
    assert not any(source["editable"] for source in sources)


def test_grafanas_alerting_pages_read_prometheus_and_alertmanager() -> None:
    prometheus, alertmanager = yaml.safe_load((PROVISIONING / "datasources" / "platform.yml").read_text())[
        "datasources"
    ]
    assert prometheus["jsonData"]["manageAlerts"]
    assert prometheus["jsonData"]["alertmanagerUid"] == alertmanager["uid"]


def test_compose_sets_the_variables_that_provisioning_reads() -> None:
    used = {name for file in PROVISIONING.rglob("*.yml") for name in re.findall(r": \$(\w+)", file.read_text())}
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert used == {"PROMETHEUS_URL", "ALERTMANAGER_URL", "DASHBOARDS_DIR"}
    assert used <= set(grafana["environment"])
    assert "configuration-grafana:/etc/platform:ro,nocopy" in grafana["volumes"]
    assert grafana["environment"]["DASHBOARDS_DIR"] == "/etc/platform/dashboards"


def test_dashboards_are_provisioned_read_only() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "platform.yml").read_text())["providers"]
    assert provider["disableDeletion"] is True
    assert provider["allowUiUpdates"] is False
