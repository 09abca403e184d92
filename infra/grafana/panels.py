"""The few kinds of panel the dashboards are made of, as Grafana's classic (v1) JSON.

Each function takes what differs between panels and fixes what should not: data source, legend, tooltip. File
provisioning of Grafana 12 and 13 reads this format and refuses the newer schema that its UI exports.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

ALERT = re.compile(r"\b[Aa]lerts?:? ([A-Z]\w+(?:(?:, | and )[A-Z]\w+)*)")
"""How a description names the alerts that look at what its panel shows."""
RUNBOOKS = "runbooks"
"""The variable with the address of the runbooks: a hidden one of every dashboard."""

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"
Threshold = tuple[float, str]
RATE = "[$__rate_interval]"
"""The range that Grafana fits to the zoom and to the scrape interval of the data source."""


@dataclass(frozen=True)
class Query:
    """One PromQL expression and how its series are called."""

    expr: str
    legend: str = "__auto"


def quantile(share: float, histogram: str, *, by: str = "", matchers: str = "") -> str:
    """Expression for a quantile of a histogram, per value of the label `by` when given."""
    labels = f"le, {by}" if by else "le"
    chosen = f"{{{matchers}}}" if matchers else ""
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{chosen}{RATE})))"


@dataclass(frozen=True)
class Panel:
    """A panel without its place: the dashboard gives it position and id."""

    kind: str
    title: str
    description: str
    queries: tuple[Query, ...]
    defaults: Mapping[str, Any]
    options: Mapping[str, Any]
    width: int
    height: int
    target: Mapping[str, Any]
    overrides: tuple[Mapping[str, Any], ...] = ()
    transformations: tuple[Mapping[str, Any], ...] = ()

    def as_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """The panel as Grafana reads it."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "links": [link for alert in alerts_of(self.description) for link in _links(alert)],
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": dict(self.defaults), "overrides": list(self.overrides)},
            "options": dict(self.options),
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": DATASOURCE,
                    "editorMode": "code",
                    "expr": query.expr,
                    "legendFormat": query.legend,
                    **self.target,
                }
                for index, query in enumerate(self.queries)
            ],
            "transformations": list(self.transformations),
        }


def alerts_of(description: str) -> list[str]:
    """Names of the alerts that a description speaks of."""
    return [name for found in ALERT.findall(description) for name in re.split(r", | and ", found)]


def _links(alert: str) -> list[dict[str, Any]]:
    """From a panel to its alert, as Grafana's alerting pages show it, and to the alert's runbook."""
    return [
        {"title": f"Alert {alert}", "url": f"/alerting/list?search={alert}", "targetBlank": False},
        {"title": f"Runbook of {alert}", "url": f"${{{RUNBOOKS}}}?name={alert}", "targetBlank": True},
    ]


RANGE = {"range": True, "instant": False, "format": "time_series"}
INSTANT = {"range": False, "instant": True, "format": "time_series"}
TABLE = {"range": False, "instant": True, "format": "table"}
HEATMAP = {"range": True, "instant": False, "format": "heatmap"}


def steps(thresholds: Sequence[Threshold], base: str = GREEN) -> dict[str, Any]:
    """Colours by value: `base` below the first threshold."""
    rest = [{"color": colour, "value": value} for value, colour in thresholds]
    return {"mode": "absolute", "steps": [{"color": base, "value": None}, *rest]}


def words(names: Mapping[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """Values shown as coloured words, such as 1 as UP in green."""
    shown = {
        str(value): {"color": colour, "index": index, "text": text}
        for index, (value, (text, colour)) in enumerate(names.items())
    }
    return [{"type": "value", "options": shown}]


UP_DOWN = words({1: ("UP", GREEN), 0: ("DOWN", RED)})
YES_NO = words({1: ("OK", GREEN), 0: ("NO", RED)})


def timeseries(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    stacked: bool = False,
    limits: Sequence[Threshold] = (),
    top: float | None = None,
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Lines over time; `limits` are drawn as dashed lines, `top` fixes the end of the axis."""
    custom = {
        "drawStyle": "line",
        "fillOpacity": 30 if stacked else 8,
        "lineWidth": 1,
        "showPoints": "never",
        "spanNulls": 60_000,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }
    defaults: dict[str, Any] = {
        "unit": unit,
        "min": 0,
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "thresholds": steps(limits, base="transparent"),
    }
    if top is not None:
        defaults["max"] = top
    options = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel("timeseries", title, description, queries, defaults, options, width, height, RANGE)


def stat(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    thresholds: Sequence[Threshold] = (),
    base: str = GREEN,
    mappings: Sequence[Mapping[str, Any]] = (),
    width: int = 4,
    height: int = 4,
) -> Panel:
    """The latest value in large figures, one per series."""
    defaults = {
        "unit": unit,
        "color": {"mode": "thresholds"},
        "mappings": list(mappings),
        "noValue": "none",
        "thresholds": steps(thresholds, base),
    }
    options = {
        "colorMode": "background" if mappings else "value",
        "graphMode": "none" if mappings else "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
        "wideLayout": True,
    }
    # A word is what is so now; a number has its small history behind it.
    return Panel("stat", title, description, queries, defaults, options, width, height, INSTANT if mappings else RANGE)


def timeline(
    title: str,
    description: str,
    *queries: Query,
    mappings: Sequence[Mapping[str, Any]],
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Bars of states over time, one row per series."""
    defaults = {
        "unit": "none",
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 70, "lineWidth": 0, "spanNulls": 60_000},
        "mappings": list(mappings),
        "thresholds": steps([(1, GREEN)], base=RED),
    }
    options = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel("state-timeline", title, description, queries, defaults, options, width, height, RANGE)


def table(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    columns: Mapping[str, str],
    mappings: Sequence[Mapping[str, Any]] = (),
    width: int = 12,
    height: int = 8,
) -> Panel:
    """The series of one instant as rows; `columns` are the labels to show, in order, and their headings."""
    defaults = {
        "unit": unit,
        "color": {"mode": "thresholds"},
        "custom": {"align": "left", "cellOptions": {"type": "auto"}},
        "mappings": list(mappings),
        "noValue": "none",
        "thresholds": steps(()),
    }
    organise = {
        "id": "organize",
        "options": {
            "excludeByName": {},
            "includeByName": dict.fromkeys(columns, True),
            "indexByName": {name: index for index, name in enumerate(columns)},
            "renameByName": dict(columns),
        },
    }
    options = {"cellHeight": "sm", "showHeader": True}
    panel = Panel("table", title, description, (query,), defaults, options, width, height, TABLE)
    return replace(panel, transformations=(organise,))


def heatmap(title: str, description: str, unit: str, query: Query, width: int = 12, height: int = 8) -> Panel:
    """The buckets of a histogram over time; `unit` is that of the bucket bounds."""
    defaults = {"unit": "short", "custom": {"scaleDistribution": {"type": "linear"}}}
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"exponent": 0.5, "mode": "scheme", "scale": "exponential", "scheme": "Blues", "steps": 64},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    named = replace(query, legend="{{le}}")
    return Panel("heatmap", title, description, (named,), defaults, options, width, height, HEATMAP)
