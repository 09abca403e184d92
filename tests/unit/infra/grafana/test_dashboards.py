"""The dashboards: written by the builder, complete, and reading only what is really exported."""

import json
import re
from typing import Any

import pytest
import yaml

from infra.grafana.build import FOLDER, rendered
from infra.grafana.panels import RUNBOOKS, alerts_of
from infra.prometheus.catalogue import known_series
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


def _expressions(board: dict[str, Any]) -> list[str]:
    return [
        *(target["expr"] for panel in board["panels"] for target in panel.get("targets", [])),
        *(mark["expr"] for mark in board["annotations"]["list"]),
    ]


def test_the_committed_files_are_what_the_builder_writes() -> None:
    committed = {file: file.read_text() for file in FILES}
    assert committed == rendered(), "run: python -m infra.grafana.build"


def test_dashboards_have_stable_names_and_no_database_ids() -> None:
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
def test_panels_have_ids_of_their_own_and_do_not_overlap(board: dict[str, Any]) -> None:
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
def test_a_panel_tells_what_it_shows_in_which_unit_from_where(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith("."), "a sentence"
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "prometheus"
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "prometheus"
        assert target["legendFormat"]


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
def test_a_dashboard_reads_only_known_series(board: dict[str, Any]) -> None:
    used = set().union(*(metric_names(expression) for expression in _expressions(board)))
    assert used <= known_series() | recorded()


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
def test_every_variable_is_used_and_every_used_one_is_there(board: dict[str, Any]) -> None:
    given = {variable["name"] for variable in board["templating"]["list"]}
    used = {name for expression in _expressions(board) for name in re.findall(r"\$(\w+)", expression)}
    assert used - {"__rate_interval"} == given - {RUNBOOKS}


@pytest.mark.parametrize("panel", _panels())
def test_alerts_named_in_descriptions_exist(panel: dict[str, Any]) -> None:
    assert set(alerts_of(panel["description"])) <= {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("panel", _panels())
def test_a_panel_leads_to_its_alerts_and_they_to_their_runbooks(panel: dict[str, Any]) -> None:
    links = [link["url"] for link in panel["links"]]
    for alert in alerts_of(panel["description"]):
        assert f"/alerting/list?search={alert}" in links
        assert f"${{runbooks}}?name={alert}" in links
    assert len(links) == 2 * len(alerts_of(panel["description"]))


def test_every_alert_has_a_panel_that_shows_what_it_looks_at() -> None:
    shown = {
        alert for board in DASHBOARDS for panel in board["panels"] for alert in alerts_of(panel.get("description", ""))
    }
    assert {alert["alert"] for alert in alerts()} - shown == set()


def test_every_dashboard_marks_promotions() -> None:
    for board in DASHBOARDS:
        assert "Promotions" in [mark["name"] for mark in board["annotations"]["list"]]


def test_the_data_sources_have_the_uids_that_panels_name_and_cannot_be_changed() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "platform.yml").read_text())["datasources"]
    assert [(source["uid"], source["type"]) for source in sources] == [
        ("prometheus", "prometheus"),
        ("alertmanager", "alertmanager"),
    ]
    assert not any(source["editable"] for source in sources)


def test_the_alerting_pages_show_the_rules_of_prometheus_and_what_alertmanager_made_of_them() -> None:
    prometheus, alertmanager = yaml.safe_load((PROVISIONING / "datasources" / "platform.yml").read_text())[
        "datasources"
    ]
    assert prometheus["jsonData"]["manageAlerts"]
    assert prometheus["jsonData"]["alertmanagerUid"] == alertmanager["uid"]


def test_compose_sets_what_provisioning_reads_from_the_environment() -> None:
    used = {name for file in PROVISIONING.rglob("*.yml") for name in re.findall(r": \$(\w+)", file.read_text())}
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert used == {"PROMETHEUS_URL", "ALERTMANAGER_URL", "DASHBOARDS_DIR"}
    assert used <= set(grafana["environment"])
    assert f"./infra/grafana/dashboards:{grafana['environment']['DASHBOARDS_DIR']}:ro" in grafana["volumes"]


def test_dashboards_are_provisioned_read_only() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "platform.yml").read_text())["providers"]
    assert provider["disableDeletion"] is True
    assert provider["allowUiUpdates"] is False
