"""The risks of a file as a chart."""

import altair as alt
import pandas as pd

from ui.charts import LIGHT, Palette, finished
from ui.language import _, current, percent

BINS = 40


def bars(risks: "pd.Series[float]", end: float) -> pd.DataFrame:
    """Share of the rows in each of the bins from 0 to ``end``; rows beyond stand in the last one."""
    edges = [end * step / BINS for step in range(BINS + 1)]
    places = pd.cut(risks.clip(0, end), edges, include_lowest=True, labels=False)
    shares = places.value_counts(normalize=True).reindex(range(BINS), fill_value=0)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": shares.to_numpy()})


def distribution(risks: "pd.Series[float]", prevalence: float | None, palette: Palette = LIGHT) -> alt.LayerChart:
    """How the risks are spread, with twice the average marked; what is above it is darker as well as of another hue."""
    twice = 2 * prevalence if prevalence else None
    end = min(1.0, 1.08 * max(float(risks.quantile(0.99)), twice or 0)) or 1.0
    rows = bars(risks, end)
    rows["side"] = ["above" if twice is not None and low >= twice else "below" for low in rows["low"]]
    scale = alt.Scale(domain=[0, end])
    shares = (
        alt.Chart(rows)
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", title=_("Predicted risk"), scale=scale, axis=alt.Axis(format=".0%", tickCount=6)),
            x2="high:Q",
            y=alt.Y("share:Q", title=_("Share of rows"), axis=alt.Axis(format=".0%", tickCount=4)),
            y2=alt.datum(0),
            color=alt.Color(
                "side:N",
                scale=alt.Scale(domain=["below", "above"], range=[palette.lower, palette.patient]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("low:Q", title=_("Risk from"), format=".1%"),
                alt.Tooltip("high:Q", title=_("Risk up to"), format=".1%"),
                alt.Tooltip("share:Q", title=_("Share of rows"), format=".1%"),
            ],
        )
    )
    layers = [shares, *_mark(twice, scale, palette)] if twice is not None else [shares]
    return finished(alt.LayerChart(layer=layers).properties(height=220, padding={"top": 20, "right": 8}), current())


def _mark(twice: float, scale: alt.Scale, palette: Palette) -> tuple[alt.Chart, alt.Chart]:
    text = _("twice the average {share}").format(share=percent(twice))
    point = alt.Chart(pd.DataFrame({"at": [twice], "text": [text]}))
    x = alt.X("at:Q", scale=scale)
    line = point.mark_rule(color=palette.average, strokeWidth=2, strokeDash=[4, 3]).encode(x=x)
    label = point.mark_text(
        color=palette.average, align="right", baseline="bottom", dx=-3, dy=-4, fontSize=13, fontWeight="bold"
    ).encode(x=x, y=alt.value(0), text="text:N")
    return line, label
