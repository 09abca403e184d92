"""The charts of the page. Series are told apart by dash, shape or place as well as by colour.

A layout is made once for its names and titles; a refresh changes the rows only, so that it costs next to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import altair as alt
import pandas as pd

from ui.charts import Palette, localised
from ui.i18n.language import Language, _, current_language

Spec = dict[str, Any]
"""A chart as Vega-Lite reads it; its rows are the data set of this name."""
ROWS: Final = "rows"
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
HEIGHT: Final = 240

_kept = lru_cache(maxsize=128)
_BELOW: Final = alt.Legend(title=None, orient="bottom", symbolStrokeWidth=3)
_LINES: Final = alt.Legend(title=None, orient="bottom", symbolType="stroke", symbolSize=500, symbolStrokeWidth=2)
_ABOVE: Final[dict[str, Any]] = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": 0, "titleY": -8}
"""A title over its axis: beside a low plot a long one would be cut."""


@dataclass(frozen=True, slots=True)
class Series:
    """A named line: seconds since 1970, and values."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, and the mark that it is held against, where there is one."""

    name: str
    value: float
    mark: float | None


@dataclass(frozen=True, slots=True)
class Names:
    """What a chart of bars calls its dimension, its measure, its bars and its marks."""

    dimension: str
    measure: str
    bar: str
    mark: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; one without an interval is an estimate."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


def over_time(
    lines: Sequence[Series], unit: str, palette: Palette, number: str = ".2f", limit: float | None = None
) -> Spec:
    """Lines over time (UTC); ``limit`` is drawn across, where an alert begins."""
    rows = [  # moments in milliseconds: there is no time zone to lose
        {"at": 1000 * at, "value": value, "name": line.name} for line in lines for at, value in line.points
    ]
    names = tuple(line.name for line in lines)
    return _filled(_over_time(names, unit, palette, number, limit, current_language()), pd.DataFrame(rows))


def shares(bars: Sequence[Bar], names: Names, palette: Palette) -> Spec:
    """Upright bars of shares, with a mark across each for what is expected."""
    return _filled(_shares(_order(bars), names, palette, current_language()), _table(bars, names))


def lengths(bars: Sequence[Bar], names: Names, palette: Palette) -> Spec:
    """Bars that lie, each with the mark from which on it is too long."""
    return _filled(_lengths(_order(bars), names, palette, current_language()), _table(bars, names))


def intervals(found: Sequence[Estimate], title: str, palette: Palette, limits: Sequence[float] = ()) -> Spec:
    """Figures with their intervals, one row each; an estimate is a hollow diamond, and has none."""
    rows = [
        {"name": one.name, "value": one.value, "low": one.low, "high": one.high, "estimate": one.low is None}
        for one in found
    ]
    order = tuple(one.name for one in found)
    table = pd.DataFrame(rows).astype({"low": float, "high": float})
    return _filled(_intervals(order, title, palette, tuple(limits), current_language()), table)


@_kept
def _over_time(
    names: tuple[str, ...], unit: str, palette: Palette, number: str, limit: float | None, language: Language
) -> Spec:
    colours = (palette.lower, palette.patient, palette.average)
    places = range(len(names))
    colour = alt.Scale(domain=list(names), range=[colours[place % len(colours)] for place in places])
    dash = alt.Scale(domain=list(names), range=[DASHES[place % len(DASHES)] for place in places])
    when, axis = _("Time (UTC)"), alt.Axis(format="%H:%M", tickCount=6)
    measure = alt.Axis(format=number, tickCount=5, **_ABOVE)
    drawn = (
        alt.Chart()
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=14))
        .encode(
            x=alt.X("at:T", title=when, scale=alt.Scale(type="utc"), axis=axis),
            y=alt.Y("value:Q", title=unit, axis=measure, scale=alt.Scale(zero=True)),
            color=alt.Color("name:N", scale=colour, legend=_LINES),
            strokeDash=alt.StrokeDash("name:N", scale=dash, legend=_LINES),
            tooltip=[
                alt.Tooltip("name:N", title=_("Series")),
                alt.Tooltip("utchoursminutes(at):T", title=when),
                alt.Tooltip("value:Q", title=unit, format=number),
            ],
        )
    )
    rules = [] if limit is None else [_rule(palette).encode(y=alt.YDatum(limit))]
    return _layout([drawn, *rules], HEIGHT, language)


@_kept
def _shares(order: tuple[str, ...], names: Names, palette: Palette, language: Language) -> Spec:
    x = alt.X("name:N", sort=list(order), title=names.dimension, axis=alt.Axis(labelAngle=-45))
    axis = alt.Axis(format=".0%", tickCount=5, **_ABOVE)
    bar, mark = _bar_and_mark(names, palette, ".1%")
    bars = alt.Chart().mark_bar().encode(x=x, y=alt.Y("value:Q", title=names.measure, axis=axis), **bar)
    marks = alt.Chart().mark_tick(thickness=3, orient="horizontal").encode(x=x, y="mark:Q", **mark)
    return _layout([bars, marks], HEIGHT + 40, language)


@_kept
def _lengths(order: tuple[str, ...], names: Names, palette: Palette, language: Language) -> Spec:
    y = alt.Y("name:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=220))
    axis = alt.Axis(format=".2f", tickCount=5)
    bar, mark = _bar_and_mark(names, palette, ".3f")
    bars = alt.Chart().mark_bar(height=12).encode(x=alt.X("value:Q", title=names.measure, axis=axis), y=y, **bar)
    marks = alt.Chart().mark_tick(thickness=3, height=20).encode(x="mark:Q", y=y, **mark)
    return _layout([bars, marks], 60 + 30 * len(order), language)


@_kept
def _intervals(
    order: tuple[str, ...], title: str, palette: Palette, limits: tuple[float, ...], language: Language
) -> Spec:
    y = alt.Y("name:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=220))
    scale = alt.Scale(zero=False, padding=16)
    axis = alt.Axis(format=".2f", tickCount=5)
    tooltip = [
        alt.Tooltip("name:N", title=_("Figure")),
        alt.Tooltip("value:Q", title=_("Value"), format=".3f"),
        alt.Tooltip("low:Q", title=_("Low"), format=".3f"),
        alt.Tooltip("high:Q", title=_("High"), format=".3f"),
    ]
    value = {"x": alt.X("value:Q", title=title, scale=scale, axis=axis), "y": y, "tooltip": tooltip}
    measured, estimated = (alt.Chart().transform_filter(alt.datum.estimate == is_one) for is_one in (False, True))
    layers = [
        measured.mark_rule(strokeWidth=3, color=palette.lower).encode(
            x=alt.X("low:Q", title=title, scale=scale, axis=axis), x2="high:Q", y=y, tooltip=tooltip
        ),
        measured.mark_point(filled=True, size=110, color=palette.lower).encode(**value),
        estimated.mark_point(shape="diamond", size=130, strokeWidth=2, color=palette.patient).encode(**value),
        *(_rule(palette).encode(x=alt.XDatum(limit)) for limit in limits),
    ]
    return _layout(layers, 70 + 34 * len(order), language)


def _bar_and_mark(names: Names, palette: Palette, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What bars and marks share: colours with one legend, and what is told on pointing at them."""
    scale = alt.Scale(domain=[names.bar, names.mark], range=[palette.lower, palette.patient])
    tooltip = [
        alt.Tooltip("name:N", title=names.dimension),
        alt.Tooltip("value:Q", title=names.bar, format=number),
        alt.Tooltip("mark:Q", title=names.mark, format=number),
    ]
    bar, mark = (alt.Color(f"{field}:N", scale=scale, legend=_BELOW) for field in ("bar", "marker"))
    return {"color": bar, "tooltip": tooltip}, {"color": mark, "tooltip": tooltip}


def _rule(palette: Palette) -> alt.Chart:
    """A dashed line across, once and not for each row."""
    once = alt.Chart(alt.InlineData(values=[{}]))
    rule: alt.Chart = once.mark_rule(color=palette.average, strokeDash=[4, 3], strokeWidth=1.5)
    return rule


def _layout(layers: Sequence[alt.Chart], height: int, language: Language) -> Spec:
    """The finished layout; numbers on the axes stand as the language writes them."""
    chart = alt.LayerChart(layer=list(layers), data=alt.NamedData(ROWS)).properties(height=height)
    spec: Spec = localised(chart, language).to_dict()
    return spec


def _filled(layout: Spec, rows: pd.DataFrame) -> Spec:
    return {**layout, "datasets": {ROWS: rows}}


def _order(bars: Sequence[Bar]) -> tuple[str, ...]:
    return tuple(bar.name for bar in bars)


def _table(bars: Sequence[Bar], names: Names) -> pd.DataFrame:
    """Rows of the bars; what bar and mark are called stands in each, so that the legend can name both."""
    rows = [
        {"name": one.name, "value": one.value, "mark": one.mark, "bar": names.bar, "marker": names.mark} for one in bars
    ]
    return pd.DataFrame(rows).astype({"value": float, "mark": float})
