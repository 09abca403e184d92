"""Charts of risks and contributions that several pages use. The caller adds the text alternative."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import altair as alt
import pandas as pd
import streamlit as st

from ml.schema.translations import Language
from ui.cohort import axis_end, distribution
from ui.i18n.language import _, current_language, percent

_ROW: Final = 42
_BAR: Final = 14
_LEGEND: Final = 44
"""Pixels of a contribution, of its bar, and of the legend: the height of a chart includes the legend."""
_LABEL: Final = 320
"""Pixels of a label, which a telephone is wide."""
_SIDES: Final[tuple[tuple[str, Literal["left", "right"], int], ...]] = ((">=", "left", 4), ("<", "right", -4))


class Palette(NamedTuple):
    """Colours of a chart: bars differ in lightness as well as hue, texts have a contrast of 4.5 : 1."""

    lower: str
    higher: str
    patient: str
    average: str


LIGHT: Final = Palette(lower="#4C86B5", higher="#C3D2DF", patient="#B83A0B", average="#4A5763")
DARK: Final = Palette(lower="#6FA8D6", higher="#3D556B", patient="#FF9A66", average="#BAC6D1")


class Bar(NamedTuple):
    """A bar to the right (positive) or left (negative) of zero, with a text at its end."""

    label: str
    amount: float
    text: str


def palette() -> Palette:
    """The colours of the theme of this session."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def localised(chart: alt.LayerChart, language: Language) -> alt.LayerChart:
    """Format numbers for the language, and remove Vega's English descriptions of axes and legends."""
    point, comma = (".", ",") if language is Language.ENGLISH else (",", ".")
    number = {"decimal": point, "thousands": comma, "grouping": [3], "currency": ["", ""]}
    configured: alt.LayerChart = chart.configure(
        axis=alt.AxisConfig(aria=False), legend=alt.LegendConfig(aria=False), locale={"number": number}
    )
    return configured


def risk_in_cohort(
    risk: float,
    quantiles: Sequence[float],
    prevalence: float,
    palette: Palette = LIGHT,
    interval: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Histogram of the risks of the test encounters; marks the patient, the interval and the training average."""
    end = axis_end(max(risk, interval[1]) if interval else risk, quantiles)
    rows = pd.DataFrame(distribution(quantiles, end))
    rows["side"] = ["lower" if low < risk else "higher" for low in rows["low"]]
    cohort = histogram(rows, end, _("Share of test encounters"), {"lower": palette.lower, "higher": palette.higher})
    text = _("training average {share}").format(share=percent(prevalence))
    average = labelled_rule(prevalence, text, palette.average, end, row=1, dash=[4, 3])
    text = _("this patient {share}").format(share=percent(risk))
    patient = labelled_rule(risk, text, palette.patient, end, row=0)
    span = [_span(*interval, palette.patient, end)] if interval else []
    chart = alt.LayerChart(layer=[cohort, *average, *span, *patient])
    return localised(chart.properties(height=240, padding={"top": 34, "right": 8}), current_language())


def histogram(rows: pd.DataFrame, end: float, share_title: str, colours: Mapping[str, str]) -> alt.Chart:
    """Histogram on an axis of risk from 0 to ``end``.

    ``rows`` are bars with the columns ``low``, ``high``, ``share`` and ``side``; ``colours`` has a colour of each side.
    """
    x = alt.X(
        "low:Q", title=_("Predicted risk"), scale=alt.Scale(domain=[0, end]), axis=alt.Axis(format=".0%", tickCount=6)
    )
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    bars: alt.Chart = (
        alt.Chart(rows)
        .mark_bar(binSpacing=1)
        .encode(
            x=x,
            x2="high:Q",
            y=alt.Y("share:Q", title=share_title, axis=alt.Axis(format=".0%", tickCount=4)),
            y2=alt.datum(0),
            color=alt.Color("side:N", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("low:Q", title=_("Risk from"), format=".1%"),
                alt.Tooltip("high:Q", title=_("Risk up to"), format=".1%"),
                alt.Tooltip("share:Q", title=share_title, format=".1%"),
            ],
        )
    )
    return bars


def labelled_rule(
    at: float, text: str, colour: str, end: float, row: int, dash: Sequence[int] = ()
) -> tuple[alt.Chart, alt.Chart]:
    """A vertical line with a text above the plot; texts in different rows do not overlap."""
    point = alt.Chart(pd.DataFrame({"at": [at], "text": [text]}))
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, end]))
    line = point.mark_rule(color=colour, strokeWidth=2.5, strokeDash=list(dash)).encode(x=x)
    align: Literal["left", "right"] = "right" if at > end / 2 else "left"
    label = point.mark_text(
        color=colour,
        align=align,
        baseline="bottom",
        dx=-3 if align == "right" else 3,
        dy=-4 - 15 * row,
        fontSize=13,
        fontWeight="bold",
    ).encode(x=x, y=alt.value(0), text="text:N")
    return line, label


def _span(low: float, high: float, colour: str, end: float) -> alt.Chart:
    """A horizontal bar along the upper edge of the plot."""
    ends = alt.Chart(pd.DataFrame({"low": [low], "high": [high]}))
    bar: alt.Chart = ends.mark_rule(color=colour, strokeWidth=5, strokeCap="round", opacity=0.75).encode(
        x=alt.X("low:Q", scale=alt.Scale(domain=[0, end])), x2="high:Q", y=alt.value(3)
    )
    return bar


def diverging(bars: Sequence[Bar], palette: Palette = LIGHT) -> alt.LayerChart:
    """Bars that raise or lower the risk; side, sign and colour show the direction.

    The label of a bar stands above it: beside it, there would be no space for the bar on a narrow screen.
    """
    rows = pd.DataFrame(bars)
    raises, lowers = _("raises the risk"), _("lowers the risk")
    rows["direction"] = [raises if amount >= 0 else lowers for amount in rows["amount"]]
    # Space for the texts beyond the longest bar on either side.
    margin = 0.45 * (rows["amount"].max() - rows["amount"].min() or rows["amount"].abs().max() or 1.0)
    domain = [min(rows["amount"].min(), 0) - margin, max(rows["amount"].max(), 0) + margin]
    # No layer has an axis: Vega draws nothing if only some have none.
    x = alt.X("amount:Q", axis=None, scale=alt.Scale(domain=domain))
    base = alt.Chart(rows).encode(x=x, y=alt.Y("label:N", sort=None, axis=None))
    marks = base.mark_bar(height=_BAR, yOffset=_BAR / 2).encode(
        color=alt.Color(
            "direction:N",
            scale=alt.Scale(domain=[raises, lowers], range=[palette.patient, palette.lower]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=[alt.Tooltip("label:N", title=_("Field")), alt.Tooltip("text:N", title=_("Contribution"))],
    )
    zero = base.mark_tick(color=palette.average, size=2 * _BAR, thickness=1, yOffset=_BAR / 2).encode(
        x=alt.XDatum(0, axis=None)
    )
    style: dict[str, Any] = {"color": palette.average, "fontSize": 13}
    labels = base.mark_text(align="left", baseline="bottom", dy=-2, limit=_LABEL, **style).encode(
        x=alt.value(0), text="label:N"
    )
    texts = [
        base.transform_filter(f"datum.amount {side} 0")
        .mark_text(align=align, dx=dx, dy=_BAR / 2, **style)
        .encode(text="text:N")
        for side, align, dx in _SIDES
    ]
    chart = alt.LayerChart(layer=[marks, zero, labels, *texts])
    return localised(chart.properties(height=_LEGEND + _ROW * len(bars)), current_language())
