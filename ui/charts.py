"""Charts of the interface, each with its text alternative beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import altair as alt
import pandas as pd
import streamlit as st

from ui.cohort import axis_end, distribution
from ui.i18n.language import Language, _, current, percent


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a chart: bars told apart by lightness as well as by hue, texts at 4.5 : 1 on their ground."""

    lower: str
    higher: str
    patient: str
    average: str


LIGHT: Final = Palette(lower="#4C86B5", higher="#C3D2DF", patient="#B83A0B", average="#4A5763")
DARK: Final = Palette(lower="#6FA8D6", higher="#3D556B", patient="#FF9A66", average="#BAC6D1")


def palette() -> Palette:
    """The colours for the theme this person looks at."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def finished(chart: alt.LayerChart, language: Language) -> alt.LayerChart:
    """A chart with its figures as the language writes them, and without Vega's English descriptions of its axes."""
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
    """Distribution of risk in the cohort, with this patient, the range of the answer and the average marked."""
    end = axis_end(max(risk, interval[1]) if interval else risk, quantiles)
    rows = pd.DataFrame([asdict(one) for one in distribution(quantiles, end)])
    sides = {"lower": palette.lower, "higher": palette.higher}
    rows["side"] = ["lower" if low < risk else "higher" for low in rows["low"]]
    cohort = histogram(rows, end, _("Share of patients"), sides)
    average = mark(
        prevalence, _("average {share}").format(share=percent(prevalence)), palette.average, end, row=1, dash=[4, 3]
    )
    patient = mark(risk, _("this patient {share}").format(share=percent(risk)), palette.patient, end, row=0)
    between = [_between(*interval, palette.patient, end)] if interval else []
    chart = alt.LayerChart(layer=[cohort, *average, *between, *patient])
    return finished(chart.properties(height=240, padding={"top": 34, "right": 8}), current())


def histogram(rows: pd.DataFrame, end: float, share: str, sides: Mapping[str, str]) -> alt.Chart:
    """Bars from ``low`` to ``high`` on an axis of risk that ends at ``end``; ``share`` names what their heights are of.

    Args:
        rows: with the columns ``low``, ``high``, ``share`` and ``side``.
        end: of the axis.
        share: title of the heights.
        sides: the colour of each side.
    """
    x = alt.X(
        "low:Q", title=_("Predicted risk"), scale=alt.Scale(domain=[0, end]), axis=alt.Axis(format=".0%", tickCount=6)
    )
    bars: alt.Chart = (
        alt.Chart(rows)
        .mark_bar(binSpacing=1)
        .encode(
            x=x,
            x2="high:Q",
            y=alt.Y("share:Q", title=share, axis=alt.Axis(format=".0%", tickCount=4)),
            y2=alt.datum(0),
            color=alt.Color("side:N", scale=alt.Scale(domain=list(sides), range=list(sides.values())), legend=None),
            tooltip=[
                alt.Tooltip("low:Q", title=_("Risk from"), format=".1%"),
                alt.Tooltip("high:Q", title=_("Risk up to"), format=".1%"),
                alt.Tooltip("share:Q", title=share, format=".1%"),
            ],
        )
    )
    return bars


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar to the right (raises) or to the left (lowers) of zero, with its text at its end."""

    label: str
    amount: float
    text: str


def diverging(bars: Sequence[Bar], palette: Palette = LIGHT) -> alt.LayerChart:
    """What raises a risk and what lowers it: told apart by side, sign and colour."""
    rows = pd.DataFrame([asdict(one) for one in bars])
    raises, lowers = _("raises the risk"), _("lowers the risk")
    rows["direction"] = [raises if amount >= 0 else lowers for amount in rows["amount"]]
    # Room for the texts beyond the longest bar on either side.
    reach = 0.45 * (rows["amount"].max() - rows["amount"].min() or rows["amount"].abs().max() or 1.0)
    domain = [min(rows["amount"].min(), 0) - reach, max(rows["amount"].max(), 0) + reach]
    # Without an axis in every layer: where only some have none, Vega draws nothing at all.
    x = alt.X("amount:Q", axis=None, scale=alt.Scale(domain=domain))
    base = alt.Chart(rows).encode(
        x=x,
        y=alt.Y("label:N", title=None, sort=None, axis=alt.Axis(labelLimit=200, ticks=False, domain=False)),
    )
    marks = base.mark_bar(height={"band": 0.7}).encode(
        color=alt.Color(
            "direction:N",
            scale=alt.Scale(domain=[raises, lowers], range=[palette.patient, palette.lower]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=[alt.Tooltip("label:N", title=_("Field")), alt.Tooltip("text:N", title=_("Contribution"))],
    )
    zero = alt.Chart(pd.DataFrame({"amount": [0.0]})).mark_rule(color=palette.average).encode(x=x)
    texts = [
        base.transform_filter(side)
        .mark_text(align=align, dx=shift, color=palette.average, fontSize=13)
        .encode(text="text:N")
        for side, align, shift in _SIDES
    ]
    return finished(alt.LayerChart(layer=[marks, zero, *texts]).properties(height=27 * len(bars)), current())


_SIDES: Final[tuple[tuple[str, Literal["left", "right"], int], ...]] = (
    ("datum.amount >= 0", "left", 4),
    ("datum.amount < 0", "right", -4),
)


def _between(low: float, high: float, colour: str, end: float) -> alt.Chart:
    """The range of an answer, as a bar along the upper edge of the plot."""
    ends = alt.Chart(pd.DataFrame({"low": [low], "high": [high]}))
    bar: alt.Chart = ends.mark_rule(color=colour, strokeWidth=5, strokeCap="round", opacity=0.75).encode(
        x=alt.X("low:Q", scale=alt.Scale(domain=[0, end])), x2="high:Q", y=alt.value(3)
    )
    return bar


def mark(
    at: float, text: str, colour: str, end: float, row: int, dash: Sequence[int] = ()
) -> tuple[alt.Chart, alt.Chart]:
    """A vertical line with its text above the plot; two texts stand on two rows, so they never collide."""
    point = alt.Chart(pd.DataFrame({"at": [at], "text": [text]}))
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, end]))
    line = point.mark_rule(color=colour, strokeWidth=2.5, strokeDash=list(dash)).encode(x=x)
    side: Literal["left", "right"] = "right" if at > end / 2 else "left"
    label = point.mark_text(
        color=colour,
        align=side,
        baseline="bottom",
        dx=-3 if side == "right" else 3,
        dy=-4 - 15 * row,
        fontSize=13,
        fontWeight="bold",
    ).encode(x=x, y=alt.value(0), text="text:N")
    return line, label
