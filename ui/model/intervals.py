"""A figure of several versions as dots with their intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import altair as alt
import pandas as pd

from ui.charts import Palette, localised
from ui.clients.api_models import Interval
from ui.i18n.language import _, current_language
from ui.model.metrics import told


@dataclass(frozen=True, slots=True)
class Dot:
    """The figure of one version; what was not measured is None."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    text: str

    @classmethod
    def of(cls, name: str, figure: Interval) -> Self:
        """The figure of a version by its name."""
        return cls(name, figure.value, figure.low, figure.high, told(figure))


def chart(title: str, dots: Sequence[Dot], names: Sequence[str], palette: Palette) -> alt.LayerChart:
    """A row for each version, told apart by place and shape as well as by colour; the axis need not begin at zero."""
    base = alt.Chart(pd.DataFrame([asdict(dot) for dot in dots]), title=title).encode(
        y=alt.Y("name:N", title=None, sort=list(names), axis=alt.Axis(ticks=False, domain=False)),
        color=_by_version(names, [palette.lower, palette.patient]),
        tooltip=[alt.Tooltip("name:N", title=_("Version")), alt.Tooltip("text:N", title=title)],
    )
    axis = alt.Axis(tickCount=5)
    span = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=None, axis=axis, scale=alt.Scale(zero=False, nice=True)), x2="high:Q"
    )
    dot = base.mark_point(size=130, filled=True, opacity=1).encode(
        x="value:Q",
        shape=alt.Shape("name:N", scale=alt.Scale(domain=list(names), range=["circle", "diamond"]), legend=None),
    )
    return localised(alt.LayerChart(layer=[span, dot]).properties(height=150), current_language())


def alternative(title: str, dots: Sequence[Dot]) -> str:
    """The chart in words."""
    figures = "; ".join(_("{name} {figure}").format(name=dot.name, figure=dot.text) for dot in dots)
    return _("{metric} with 95% intervals. {figures}.").format(metric=title, figures=figures)


def _by_version(names: Sequence[str], colours: Sequence[str]) -> alt.Color:
    return alt.Color("name:N", scale=alt.Scale(domain=list(names), range=list(colours)), legend=None)
