"""Kinds of panel, as Grafana's classic (v1) dashboard JSON.

Each function sets what all panels of its kind share: data source, legend, tooltip, colours. File provisioning of
Grafana 12 and 13 reads this format, and refuses the newer schema that Grafana's own pages export.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from infra.grafana.limits import alert_expressions

Panel = dict[str, Any]
Query = tuple[str, str]
"""A PromQL expression, and the legend of its series."""
Threshold = tuple[float, str]
"""A value, and the colour from there on."""

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
RUNBOOKS = "runbooks"
"""Name of the hidden variable with the address of the runbooks."""
GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"


def _panel(
    kind: str,
    title: str,
    description: str,
    queries: Sequence[Query],
    target: Mapping[str, Any],
    defaults: Mapping[str, Any],
    options: Mapping[str, Any],
    size: tuple[int, int],
    alerts: Sequence[str],
) -> Panel:
    return {
        "id": 0,  # the dashboard sets id and position
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "links": [link for alert in alerts for link in _links(alert)],
        "gridPos": {"h": size[1], "w": size[0], "x": 0, "y": 0},
        "fieldConfig": {"defaults": dict(defaults), "overrides": []},
        "options": dict(options),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "editorMode": "code",
                "expr": expression,
                "legendFormat": legend,
                **target,
            }
            for index, (expression, legend) in enumerate(queries)
        ],
        "transformations": [],
    }


def _links(alert: str) -> list[dict[str, Any]]:
    if alert not in alert_expressions():
        raise ValueError(f"there is no alert {alert}")
    return [
        {"title": f"Alert {alert}", "url": f"/alerting/list?search={alert}", "targetBlank": False},
        {"title": f"Runbook of {alert}", "url": f"${{{RUNBOOKS}}}?name={alert}", "targetBlank": True},
    ]


RANGE = {"range": True, "instant": False, "format": "time_series"}
INSTANT = {"range": False, "instant": True, "format": "time_series"}


def _steps(thresholds: Sequence[Threshold], base: str = GREEN) -> dict[str, Any]:
    rest = [{"color": colour, "value": value} for value, colour in thresholds]
    return {"mode": "absolute", "steps": [{"color": base, "value": None}, *rest]}


def states(names: Mapping[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """Value mappings: a text and a colour for each value."""
    mapping = {
        str(value): {"color": colour, "index": index, "text": text}
        for index, (value, (text, colour)) in enumerate(names.items())
    }
    return [{"type": "value", "options": mapping}]


UP_DOWN = states({1: ("UP", GREEN), 0: ("DOWN", RED)})
YES_NO = states({1: ("OK", GREEN), 0: ("NO", RED)})


def timeseries(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "short",
    stacked: bool = False,
    limits: Sequence[Threshold] = (),
    top: float | None = None,
    width: int = 12,
    height: int = 8,
    alerts: Sequence[str] = (),
) -> Panel:
    """Lines over time; `limits` are dashed lines, `top` is the end of the axis."""
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
        "thresholds": _steps(limits, base="transparent"),
    }
    if top is not None:
        defaults["max"] = top
    options = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel("timeseries", title, description, queries, RANGE, defaults, options, (width, height), alerts)


third = partial(timeseries, width=8)
"""Lines over time in a third of a row."""
share = partial(timeseries, unit="percentunit", top=1)
"""Lines over time between 0 and 100 %."""


def stat(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "short",
    thresholds: Sequence[Threshold] = (),
    mappings: Sequence[Mapping[str, Any]] = (),
    width: int = 4,
    height: int = 4,
    alerts: Sequence[str] = (),
) -> Panel:
    """The latest value of each series: a number with its history, or a state where `mappings` name it."""
    defaults = {
        "unit": "none" if mappings else unit,
        "color": {"mode": "thresholds"},
        "mappings": list(mappings),
        "noValue": "none",
        "thresholds": _steps(thresholds, base=GREEN if thresholds or mappings else BLUE),
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
    target = INSTANT if mappings else RANGE
    return _panel("stat", title, description, queries, target, defaults, options, (width, height), alerts)


def timeline(
    title: str,
    description: str,
    query: Query,
    mappings: Sequence[Mapping[str, Any]],
    *,
    width: int = 12,
    height: int = 8,
    alerts: Sequence[str] = (),
) -> Panel:
    """Bars of states over time, one row per series."""
    defaults = {
        "unit": "none",
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 70, "lineWidth": 0, "spanNulls": 60_000},
        "mappings": list(mappings),
        "thresholds": _steps([(1, GREEN)], base=RED),
    }
    options = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "never",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, description, [query], RANGE, defaults, options, (width, height), alerts)


def table(title: str, description: str, expression: str, columns: Mapping[str, str], *, height: int = 8) -> Panel:
    """The series of one instant as rows; `columns` are the labels to show, in order, and their headings."""
    defaults = {
        "unit": "none",
        "color": {"mode": "thresholds"},
        "custom": {"align": "left", "cellOptions": {"type": "auto"}},
        "mappings": [],
        "noValue": "none",
        "thresholds": _steps(()),
    }
    organise = {
        "excludeByName": {},
        "includeByName": dict.fromkeys(columns, True),
        "indexByName": {name: index for index, name in enumerate(columns)},
        "renameByName": dict(columns),
    }
    options = {"cellHeight": "sm", "showHeader": True}
    query, target = (expression, "__auto"), INSTANT | {"format": "table"}
    panel = _panel("table", title, description, [query], target, defaults, options, (12, height), ())
    return panel | {"transformations": [{"id": "organize", "options": organise}]}


def heatmap(title: str, description: str, expression: str, *, unit: str) -> Panel:
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
    query, target = (expression, "{{le}}"), RANGE | {"format": "heatmap"}
    return _panel("heatmap", title, description, [query], target, defaults, options, (12, 8), ())
