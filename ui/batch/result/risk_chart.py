"""Histogram of the risks of a file."""

from typing import Final

import altair as alt
import pandas as pd

from ui.charts import LIGHT, Palette, histogram, labelled_rule, localised
from ui.i18n.language import _, current_language, percent

BINS: Final = 40


def bars(risks: "pd.Series[float]", end: float) -> pd.DataFrame:
    """Share of the rows in each bin from 0 to ``end``; the last bin includes all higher risks."""
    edges = [end * step / BINS for step in range(BINS + 1)]
    bins = pd.cut(risks.clip(0, end), edges, include_lowest=True, labels=False)
    shares = bins.value_counts(normalize=True).reindex(range(BINS), fill_value=0)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": shares.to_numpy()})


def distribution(risks: "pd.Series[float]", prevalence: float | None, palette: Palette = LIGHT) -> alt.LayerChart:
    """Histogram with a mark at twice the average; bars above it differ in hue and lightness."""
    twice = 2 * prevalence if prevalence else None
    end = min(1.0, 1.08 * max(float(risks.quantile(0.99)), twice or 0)) or 1.0
    rows = bars(risks, end)
    rows["side"] = ["above" if twice is not None and low >= twice else "below" for low in rows["low"]]
    layers = [histogram(rows, end, _("Share of rows"), {"below": palette.lower, "above": palette.patient})]
    if twice is not None:
        text = _("twice the average {share}").format(share=percent(twice))
        layers += labelled_rule(twice, text, palette.average, end, row=0, dash=[4, 3])
    chart = alt.LayerChart(layer=layers).properties(height=220, padding={"top": 20, "right": 8})
    return localised(chart, current_language())
