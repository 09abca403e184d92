"""Plots of a report, drawn from the findings: in the current language; logged to MLflow and embedded in the page.

Colours are those of Okabe and Ito, distinguishable with any colour vision; lines differ in their dashes too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, ScalarFormatter
from numpy.typing import NDArray

from ml.report.findings import Band, Findings
from ml.report.formatting import notation
from ml.report.language import _

mpl.use("agg")

INK: Final = "#1b2430"
MUTED: Final = "#5c6773"
GRID: Final = "#d9dfe6"
MODEL: Final = "#0072b2"
OTHER: Final = "#d55e00"
THIRD: Final = "#009e73"
COLOUR_VARIABLES: Final = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    MODEL: "--model",
    OTHER: "--other",
    THIRD: "--third",
}
"""CSS custom property of each colour in the style sheet of the page."""
_SIZE: Final = (5.4, 4.2)
_TALL: Final = 4.9
_STYLE: Final[Mapping[Any, Any]] = {
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


class _Decimal(ScalarFormatter):
    """Ticks in the notation of the language."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return notation(super().__call__(x, pos))


class _Percent(PercentFormatter):
    """Percentages in the notation of the language."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return notation(super().__call__(x, pos))


def plots(findings: Findings) -> dict[str, Figure]:
    """Draw every plot; keys are file names such as ``roc.png``."""
    with mpl.rc_context(dict(_STYLE)):
        return {f"{name}.png": draw(findings) for name, draw in PLOTS.items()}


def _axes(x: str, y: str, *, percent: str = "xy", height: float = _SIZE[1]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_SIZE[0], height), layout="constrained")
    axes = figure.add_subplot()
    _label(axes, x, y, percent)
    return figure, axes


def _label(axes: Axes, x: str, y: str, percent: str) -> None:
    axes.set(xlabel=x, ylabel=y)
    axes.set_axisbelow(True)
    for letter, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        axis.set_major_formatter(_Percent(1, decimals=0, symbol=" %") if letter in percent else _Decimal())


def _draw(axes: Axes, band: Band, label: str = "") -> None:
    axes.fill_between(band.x, band.low, band.high, color=MODEL, alpha=0.18, linewidth=0)
    axes.plot(band.x, band.y, color=MODEL, label=label or _("Model"))


def _shares(x: str, y: str, band: Band, reference: Sequence[float]) -> Figure:
    figure, axes = _axes(x, y)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1.4, label=_("Chance"))
    axes.plot(band.x, reference, color=OTHER, linestyle="--", label=_("LACE proxy"))
    _draw(axes, band)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower right")
    return figure


def _roc(findings: Findings) -> Figure:
    return _shares(_("False positive rate"), _("Sensitivity"), findings.curves.roc, findings.curves.reference_roc)


def _precision_recall(findings: Findings) -> Figure:
    figure, axes = _axes(_("Recall (sensitivity)"), _("Precision (PPV)"))
    band = findings.curves.precision_recall
    axes.axhline(findings.prevalence, color=MUTED, linestyle=":", linewidth=1.4, label=_("Chance (prevalence)"))
    _draw(axes, band)
    axes.set(xlim=(0, 1), ylim=(0, min(1.0, max(band.y[4:]) * 1.35)))
    axes.legend(loc="upper right")
    return figure


def _calibration(findings: Findings) -> Figure:
    figure = Figure(figsize=(_SIZE[0], _TALL), layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    band, edges = findings.curves.calibration, findings.curves.edges
    top = max(*band.high, *band.x) * 1.08
    axes.plot([0, top], [0, top], color=MUTED, linestyle=":", linewidth=1.4, label=_("Perfect"))
    arms = _error_bars(band.y, band.low, band.high)
    axes.errorbar(band.x, band.y, arms, color=MODEL, marker="o", markersize=5, capsize=0, label=_("Model, by decile"))
    _label(axes, "", _("Observed rate"), "xy")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    counts = np.add(findings.curves.returned, findings.curves.stayed_out)
    below.bar(edges[:-1], counts, np.diff(edges), align="edge", color=MODEL, alpha=0.55)
    _label(below, _("Predicted risk"), _("Encounters"), "x")
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    return figure


def _distribution(findings: Findings) -> Figure:
    """Shares by outcome, because one outcome is eight times as frequent as the other."""
    figure, axes = _axes(_("Predicted risk"), _("Share of the encounters of each outcome"), height=_TALL)
    curves = findings.curves
    for counts, color, line, label in (
        (curves.stayed_out, THIRD, "--", _("Not readmitted within 30 days")),
        (curves.returned, OTHER, "-", _("Readmitted within 30 days")),
    ):
        shares = np.array(counts) / max(sum(counts), 1)
        axes.stairs(shares, curves.edges, fill=True, color=color, alpha=0.18)
        axes.stairs(shares, curves.edges, color=color, linestyle=line, linewidth=1.8, label=label)
    axes.set(xlim=(0, curves.edges[-1]))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    return figure


def _decision_curve(findings: Findings) -> Figure:
    figure, axes = _axes(_("Risk threshold for acting"), _("Net benefit per encounter"), percent="x")
    curves = findings.curves
    axes.axhline(0, color=MUTED, linewidth=1.4, label=_("Treat none"))
    axes.plot(curves.benefit.x, curves.treat_all, color=MUTED, linestyle=":", linewidth=1.6, label=_("Treat all"))
    axes.plot(curves.benefit.x, curves.reference_benefit, color=OTHER, linestyle="--", label=_("LACE proxy"))
    _draw(axes, curves.benefit)
    highest = max(*curves.benefit.high, curves.treat_all[0])
    axes.set(xlim=(curves.benefit.x[0], curves.benefit.x[-1]), ylim=(-0.2 * highest, 1.1 * highest))
    axes.legend(loc="upper right")
    return figure


def _gains(findings: Findings) -> Figure:
    x, y = _("Share of encounters followed up, highest risk first"), _("Share of readmissions among them")
    return _shares(x, y, findings.curves.gains, findings.curves.reference_gains)


def _missing_fields(findings: Findings) -> Figure:
    figure = Figure(figsize=(_SIZE[0], _TALL), layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    rows = [(row.hidden, row) for row in findings.robustness if row.hidden is not None]
    hidden = [share for share, _row in rows]
    low, middle, high = ([row.auroc[end] for _share, row in rows] for end in ("low", "value", "high"))
    axes.axhline(0.5, color=MUTED, linestyle=":", linewidth=1.4, label=_("Chance"))
    axes.errorbar(hidden, middle, _error_bars(middle, low, high), color=MODEL, marker="o", markersize=5, label="AUROC")
    _label(axes, "", "AUROC", "x")
    axes.legend(loc="upper right")
    observed = [row.observed for _share, row in rows]
    below.plot(hidden, observed, color=MUTED, linestyle=":", linewidth=1.6, label=_("Observed rate"))
    predicted = [row.predicted for _share, row in rows]
    below.plot(hidden, predicted, color=OTHER, marker="s", markersize=5, label=_("Mean prediction"))
    _label(below, _("Fields hidden at random"), _("Risk"), "xy")
    below.yaxis.set_major_formatter(_Percent(1, decimals=1, symbol=" %"))
    risks = [*observed, *predicted]
    below.set_ylim(min(risks) - 0.01, max(risks) + 0.03)
    below.legend(loc="upper left", ncols=2)
    return figure


def _error_bars(values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> NDArray[np.float64]:
    """Lengths of error bars, shape ``(2, n)``; 0 where an interval does not include its value."""
    return np.maximum(0.0, [np.subtract(values, low), np.subtract(high, values)])


PLOTS: Final[Mapping[str, Callable[[Findings], Figure]]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "distribution": _distribution,
    "decision_curve": _decision_curve,
    "gains": _gains,
    "missing_fields": _missing_fields,
}
