"""A dashboard: rows of panels placed from left to right, with variables, links and annotations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.grafana.panels import DATASOURCE, RUNBOOKS, Panel
from infra.prometheus.configuration import UI_URL

COLUMNS = 24
SCHEMA_VERSION = 41
TAG = "readmission"


def variable(name: str, label: str, description: str, query: str) -> dict[str, Any]:
    """A choice among the values of a label, all of them at first."""
    return {
        "name": name,
        "label": label,
        "description": description,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "includeAll": True,
        "multi": True,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }


def _annotation(name: str, colour: str, expression: str, title: str) -> dict[str, Any]:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "expr": expression,
        "iconColor": colour,
        "step": "10s",
        "tagKeys": "severity",
        "titleFormat": title,
    }


PROMOTION = 'changes(mlflow_registered_model_version{alias="production"}[30s]) > 0'
ANNOTATIONS = [
    _annotation("Firing alerts", "red", 'ALERTS{alertstate="firing"}', "{{alertname}}"),
    _annotation("Promotions", "purple", PROMOTION, "The production version changed"),
    _annotation("Model swaps", "blue", "changes(model_served_version[30s]) > 0", "The served version changed"),
]
RUNBOOKS_ADDRESS = {
    "name": RUNBOOKS,
    "type": "constant",
    "hide": 2,
    "query": f"{UI_URL}/runbooks",  # ?var-runbooks= in the dashboard's address overrides it
    "current": {"selected": True, "text": f"{UI_URL}/runbooks", "value": f"{UI_URL}/runbooks"},
}
LINKS = {
    "type": "dashboards",
    "title": "Dashboards",
    "tags": [TAG],
    "asDropdown": False,
    "icon": "external link",
    "includeVars": False,
    "keepTime": True,
    "targetBlank": False,
}


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `rows` are titles with their panels."""

    uid: str
    title: str
    description: str
    variables: Sequence[dict[str, Any]]
    rows: Sequence[tuple[str, Sequence[Panel]]]

    def as_json(self) -> dict[str, Any]:
        """The dashboard in Grafana's format."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "annotations": {"list": ANNOTATIONS},
            "links": [LINKS],
            "templating": {"list": [*self.variables, RUNBOOKS_ADDRESS]},
            "panels": self._placed_panels(),
        }

    def _placed_panels(self) -> list[Panel]:
        placed: list[Panel] = []
        y = 0
        for title, panels in self.rows:
            placed.append(_place(_row(title), len(placed) + 1, 0, y))
            x, y, tallest = 0, y + 1, 0
            for panel in panels:
                width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
                if x + width > COLUMNS:
                    x, y, tallest = 0, y + tallest, 0
                placed.append(_place(panel, len(placed) + 1, x, y))
                x, tallest = x + width, max(tallest, height)
            y += tallest
        return placed


def _row(title: str) -> Panel:
    place = {"h": 1, "w": COLUMNS}
    return {"id": 0, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _place(panel: Panel, number: int, x: int, y: int) -> Panel:
    return panel | {"id": number, "gridPos": panel["gridPos"] | {"x": x, "y": y}}
