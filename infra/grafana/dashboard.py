"""A dashboard: titled rows of panels, laid out from left to right, with variables, links and annotations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.grafana.panels import DATASOURCE, RUNBOOKS, Panel
from infra.prometheus.configuration import UI_URL

COLUMNS = 24
SCHEMA_VERSION = 41
TAG = "readmission"


@dataclass(frozen=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label."""

    name: str
    label: str
    description: str
    query: str

    def as_json(self) -> dict[str, Any]:
        """The variable as Grafana reads it; all values are chosen at first."""
        return {
            "name": self.name,
            "label": self.label,
            "description": self.description,
            "type": "query",
            "datasource": DATASOURCE,
            "definition": self.query,
            "query": {"qryType": 1, "query": self.query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "includeAll": True,
            "multi": True,
            "options": [],
            "refresh": 2,
            "regex": "",
            "sort": 1,
        }


@dataclass(frozen=True)
class Annotation:
    """Moments marked in every graph: wherever the expression has a value."""

    name: str
    colour: str
    expr: str
    title: str

    def as_json(self) -> dict[str, Any]:
        """The annotation as Grafana reads it."""
        return {
            "name": self.name,
            "datasource": DATASOURCE,
            "enable": True,
            "expr": self.expr,
            "iconColor": self.colour,
            "step": "10s",
            "tagKeys": "severity",
            "titleFormat": self.title,
        }


ALERTS = Annotation("Firing alerts", "red", 'ALERTS{alertstate="firing"}', "{{alertname}}")
PROMOTIONS = Annotation(
    "Promotions",
    "purple",
    'changes(mlflow_registered_model_version{alias="production"}[30s]) > 0',
    "Another version is in production",
)
SWAPS = Annotation("Model swaps", "blue", "changes(model_served_version[30s]) > 0", "Another model serves")


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `rows` are its sections with their panels."""

    uid: str
    title: str
    description: str
    variables: Sequence[Variable]
    rows: Sequence[tuple[str, Sequence[Panel]]]

    def as_json(self) -> dict[str, Any]:
        """The dashboard as Grafana reads it."""
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
            "annotations": {"list": [mark.as_json() for mark in (ALERTS, PROMOTIONS, SWAPS)]},
            "links": [_links()],
            "templating": {"list": [*(variable.as_json() for variable in self.variables), _runbooks()]},
            "panels": self._panels(),
        }

    def _panels(self) -> list[dict[str, Any]]:
        placed: list[dict[str, Any]] = []
        y = 0
        for title, panels in self.rows:
            placed.append(_row(title, len(placed) + 1, y))
            x, y, tallest = 0, y + 1, 0
            for panel in panels:
                if x + panel.width > COLUMNS:
                    x, y, tallest = 0, y + tallest, 0
                placed.append(panel.as_json(len(placed) + 1, x, y))
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest
        return placed


def _row(title: str, number: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
        "panels": [],
    }


def _runbooks() -> dict[str, Any]:
    """Address of the runbooks in the user interface; ``?var-runbooks=`` overrides it."""
    address = f"{UI_URL}/runbooks"
    return {
        "name": RUNBOOKS,
        "type": "constant",
        "hide": 2,
        "query": address,
        "current": {"selected": True, "text": address, "value": address},
    }


def _links() -> dict[str, Any]:
    """Links to the other dashboards of the platform, which keep the time range."""
    return {
        "type": "dashboards",
        "title": "Dashboards",
        "tags": [TAG],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
    }
