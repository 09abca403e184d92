"""Vega-Lite specifications of lines, bars and intervals for charts that refresh: only their rows change.

Series differ by dash, shape or position as well as by colour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any, Final

import pandas as pd

from ml.schema.translations import Language
from ui.charts import Palette
from ui.i18n.language import _, current_language

Spec = dict[str, Any]
ROWS: Final = "rows"
"""Name of a chart's data set."""
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
HEIGHT: Final = 240

_LEGEND: Final = {"title": None, "orient": "bottom"}
_LINE_LEGEND: Final = _LEGEND | {"symbolType": "stroke", "symbolSize": 500, "symbolStrokeWidth": 2}
_ABOVE: Final = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": 0, "titleY": -8}
"""A title above its axis: beside a low plot a long one would be cut."""


@dataclass(frozen=True, slots=True)
class Series:
    """A named line: seconds since 1970, and values."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar and the reference mark across it, if there is one."""

    name: str
    value: float
    mark: float | None


@dataclass(frozen=True, slots=True)
class BarTitles:
    """Titles of a bar chart's dimension, measure, bars and marks."""

    dimension: str
    measure: str
    bar: str
    mark: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; without an interval it is drawn as an estimate."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def over_time(
    lines: Sequence[Series], unit: str, palette: Palette, number: str = ".2f", limits: Sequence[float] = ()
) -> Spec:
    """Lines over time (UTC); ``limits`` are drawn across."""
    names, time = [line.name for line in lines], {"field": "at", "type": "temporal", "title": _("Time (UTC)")}
    scales = {"color": (palette.lower, palette.patient, palette.average), "strokeDash": DASHES}
    encoding = {
        "x": time | {"scale": {"type": "utc"}, "axis": {"format": "%H:%M", "tickCount": 6}},
        "y": _quantity("value", unit) | {"scale": {"zero": True}, "axis": {"format": number, "tickCount": 5, **_ABOVE}},
        "tooltip": [
            _name(_("Series")),
            time | {"timeUnit": "utchoursminutes"},
            _quantity("value", unit, format=number),
        ],
    } | {
        channel: _name(scale={"domain": names, "range": list(islice(cycle(values), len(names)))}, legend=_LINE_LEGEND)
        for channel, values in scales.items()
    }
    layer = {"mark": {"type": "line", "strokeWidth": 2, "point": {"size": 14}}, "encoding": encoding}
    rows = [  # in milliseconds: there is no time zone to lose
        {"at": 1000 * at, "value": value, "name": line.name} for line in lines for at, value in line.points
    ]
    return _spec([layer, *_rules("y", limits, palette)], HEIGHT, rows)


def bars(
    rows: Sequence[Bar], titles: BarTitles, palette: Palette, number: str = ".1%", is_horizontal: bool = False
) -> Spec:
    """Bars, each with its reference mark."""
    names = [row.name for row in rows]
    scale = {"domain": [titles.bar, titles.mark], "range": [palette.lower, palette.patient]}
    if is_horizontal:
        dimension, measure, height = "y", "x", 60 + 30 * len(rows)
        name, axis = _name(sort=names, axis={"labelLimit": 220}), {}
    else:
        dimension, measure, height = "x", "y", HEIGHT + 40
        name, axis = _name(titles.dimension, sort=names, axis={"labelAngle": -45}), _ABOVE
    tooltip = [
        _name(titles.dimension),
        *(_quantity(field, text, format=number) for field, text in (("value", titles.bar), ("mark", titles.mark))),
    ]
    layers = [
        {
            "mark": mark,
            "encoding": {
                dimension: name,
                measure: _quantity(field, titles.measure, axis={"format": number, "tickCount": 5, **axis}),
                "color": {"field": f"{field}_title", "type": "nominal", "scale": scale, "legend": _LEGEND},
                "tooltip": tooltip,
            },
        }
        for field, mark in (
            ("value", {"type": "bar"} | ({"height": 12} if is_horizontal else {})),
            ("mark", {"type": "tick", "thickness": 3} | ({"height": 20} if is_horizontal else {})),
        )
    ]
    texts = {"value_title": titles.bar, "mark_title": titles.mark}  # in every row: the legend names both
    return _spec(layers, height, [asdict(row) | texts for row in rows])


def intervals(rows: Sequence[Estimate], title: str, palette: Palette, limits: Sequence[float] = ()) -> Spec:
    """Values with their intervals, one row each; a value without an interval is a hollow diamond."""
    axis = {"scale": {"zero": False, "padding": 16}, "axis": {"format": ".3~f", "tickCount": 5}}
    value: Spec = {"x": _quantity("value", title, **axis)}
    interval: Spec = {"x": _quantity("low", title, **axis), "x2": {"field": "high"}}
    names = (("value", _("Value")), ("low", _("Low")), ("high", _("High")))
    common = {
        "y": _name(sort=[row.name for row in rows], axis={"labelLimit": 220}),
        "tooltip": [_name(_("Series")), *(_quantity(field, text, format=".3f") for field, text in names)],
    }
    layers = [
        {"transform": [{"filter": condition}], "mark": mark, "encoding": channels | common}
        for condition, mark, channels in (
            ("!datum.estimate", {"type": "rule", "strokeWidth": 3, "color": palette.lower}, interval),
            ("!datum.estimate", {"type": "point", "filled": True, "size": 110, "color": palette.lower}, value),
            (
                "datum.estimate",
                {"type": "point", "shape": "diamond", "size": 130, "strokeWidth": 2, "color": palette.patient},
                value,
            ),
        )
    ]
    table = [asdict(row) | {"estimate": row.low is None} for row in rows]
    return _spec([*layers, *_rules("x", limits, palette)], 80 + 34 * len(rows), table)


def _name(title: str | None = None, **more: Any) -> Spec:
    return {"field": "name", "type": "nominal", "title": title, **more}


def _quantity(field: str, title: str, **more: Any) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, **more}


def _rules(channel: str, limits: Sequence[float], palette: Palette) -> list[Spec]:
    mark = {"type": "rule", "color": palette.average, "strokeDash": [4, 3], "strokeWidth": 1.5}
    # Data of its own: one line, not one for each row.
    return [{"data": {"values": [{}]}, "mark": mark, "encoding": {channel: {"datum": limit}}} for limit in limits]


def _spec(layers: Sequence[Spec], height: int, rows: Iterable[Spec]) -> Spec:
    """The specification, with numbers as the language writes them and without Vega's English axis descriptions."""
    point, comma = (".", ",") if current_language() is Language.ENGLISH else (",", ".")
    number = {"decimal": point, "thousands": comma, "grouping": [3], "currency": ["", ""]}
    # The page has a text in place of the chart: no axis, legend or mark is read out by itself.
    silent = {key: {"aria": False} for key in ("axis", "legend", "mark")}
    config = {**silent, "locale": {"number": number}}
    table = pd.DataFrame(rows)
    numeric = [name for name in ("value", "mark", "low", "high") if name in table]
    datasets = {ROWS: table.astype(dict.fromkeys(numeric, float))}
    return {"data": {"name": ROWS}, "layer": list(layers), "height": height, "config": config, "datasets": datasets}
