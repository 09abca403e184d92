"""The risks of a file as a chart."""

import altair as alt
import pandas as pd

from ui.charts import LIGHT, Palette, finished, histogram, mark
from ui.i18n.language import _, current, percent

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
    shares = histogram(rows, end, _("Share of rows"), {"below": palette.lower, "above": palette.patient})
    marks: tuple[alt.Chart, ...] = ()
    if twice is not None:
        text = _("twice the average {share}").format(share=percent(twice))
        marks = mark(twice, text, palette.average, end, row=0, dash=[4, 3])
    chart = alt.LayerChart(layer=[shares, *marks])
    return finished(chart.properties(height=220, padding={"top": 20, "right": 8}), current())
