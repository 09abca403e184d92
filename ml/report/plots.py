"""The figures of a report, drawn from the findings: as plots for MLflow and as pictures inside the page.

Colours are those of Okabe and Ito, which people with any kind of colour vision tell apart; lines differ in their
dashes as well.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from ml.report.findings import Band, Findings

mpl.use("agg")

INK: Final = "#1b2430"
MUTED: Final = "#5c6773"
GRID: Final = "#d9dfe6"
MODEL: Final = "#0072b2"
OTHER: Final = "#d55e00"
THIRD: Final = "#009e73"
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


def plots(findings: Findings) -> dict[str, Figure]:
    """Every figure by the name of its file, such as ``roc.png``."""
    return {f"{name}.png": figure for name, figure in figures(findings).items()}


def figures(findings: Findings) -> dict[str, Figure]:
    """Every figure by its name, such as ``roc``."""
    with mpl.rc_context(dict(_STYLE)):
        return {name: draw(findings) for name, draw in _FIGURES.items()}


def _axes(x: str, y: str, *, percent: str = "xy", height: float = _SIZE[1]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_SIZE[0], height), layout="constrained")
    axes = figure.add_subplot()
    _name(axes, x, y, percent)
    return figure, axes


def _name(axes: Axes, x: str, y: str, percent: str) -> None:
    axes.set(xlabel=x, ylabel=y)
    axes.set_axisbelow(True)
    for letter, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if letter in percent:
            axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def _draw(axes: Axes, band: Band, label: str = "Model") -> None:
    axes.fill_between(band.x, band.low, band.high, color=MODEL, alpha=0.18, linewidth=0)
    axes.plot(band.x, band.y, color=MODEL, label=label)


def _draw_beside_chance(axes: Axes, band: Band, reference: Sequence[float]) -> None:
    """A curve of shares, with the diagonal and the reference score."""
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1.4, label="Chance")
    axes.plot(band.x, reference, color=OTHER, linestyle="--", label="LACE proxy")
    _draw(axes, band)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower right")


def _roc(findings: Findings) -> Figure:
    figure, axes = _axes("False positive rate", "Sensitivity")
    _draw_beside_chance(axes, findings.curves.roc, findings.curves.reference_roc)
    return figure


def _precision_recall(findings: Findings) -> Figure:
    figure, axes = _axes("Recall (sensitivity)", "Precision (PPV)")
    band = findings.curves.precision_recall
    axes.axhline(findings.prevalence, color=MUTED, linestyle=":", linewidth=1.4, label="Chance (prevalence)")
    _draw(axes, band)
    axes.set(xlim=(0, 1), ylim=(0, min(1.0, max(band.y[4:]) * 1.35)))
    axes.legend(loc="upper right")
    return figure


def _calibration(findings: Findings) -> Figure:
    """Tenths of the encounters above, on the same axis how many have which risk below."""
    figure = Figure(figsize=(_SIZE[0], _TALL), layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    band, edges = findings.curves.calibration, findings.curves.edges
    top = max(*band.high, *band.x) * 1.08
    axes.plot([0, top], [0, top], color=MUTED, linestyle=":", linewidth=1.4, label="Perfect")
    spread = _spread(band.y, band.low, band.high)
    axes.errorbar(band.x, band.y, spread, color=MODEL, marker="o", markersize=5, capsize=0, label="Model, by tenths")
    _name(axes, "", "Observed rate", "xy")
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    counts = np.add(findings.curves.returned, findings.curves.stayed_out)
    below.bar(edges[:-1], counts, np.diff(edges), align="edge", color=MODEL, alpha=0.55)
    _name(below, "Predicted risk", "Encounters", "x")
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    return figure


def _distribution(findings: Findings) -> Figure:
    """Shares of each outcome, since one is eight times as frequent as the other."""
    figure, axes = _axes("Predicted risk", "Share of the encounters of each outcome", height=_TALL)
    curves = findings.curves
    for counts, color, line, label in (
        (curves.stayed_out, THIRD, "--", "Not readmitted within 30 days"),
        (curves.returned, OTHER, "-", "Readmitted within 30 days"),
    ):
        shares = np.array(counts) / max(sum(counts), 1)
        axes.stairs(shares, curves.edges, fill=True, color=color, alpha=0.18)
        axes.stairs(shares, curves.edges, color=color, linestyle=line, linewidth=1.8, label=label)
    axes.set(xlim=(0, curves.edges[-1]))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    return figure


def _decision(findings: Findings) -> Figure:
    figure, axes = _axes("Risk threshold for acting", "Net benefit per encounter", percent="x")
    curves = findings.curves
    axes.axhline(0, color=MUTED, linewidth=1.4, label="Act for nobody")
    axes.plot(curves.benefit.x, curves.treat_all, color=MUTED, linestyle=":", linewidth=1.6, label="Act for everybody")
    axes.plot(curves.benefit.x, curves.reference_benefit, color=OTHER, linestyle="--", label="LACE proxy")
    _draw(axes, curves.benefit)
    highest = max(*curves.benefit.high, curves.treat_all[0])
    axes.set(xlim=(curves.benefit.x[0], curves.benefit.x[-1]), ylim=(-0.2 * highest, 1.1 * highest))
    axes.legend(loc="upper right")
    return figure


def _gains(findings: Findings) -> Figure:
    figure, axes = _axes("Share of encounters followed up, highest risk first", "Share of readmissions among them")
    _draw_beside_chance(axes, findings.curves.gains, findings.curves.reference_gains)
    return figure


def _robustness(findings: Findings) -> Figure:
    """Ranking above; below, on the same axis, the mean prediction beside what happened."""
    figure = Figure(figsize=(_SIZE[0], _TALL), layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    rows = [(row.hidden, row) for row in findings.robustness if row.hidden is not None]
    hidden = [share for share, _ in rows]
    low, middle, high = ([row.auroc[end] for _, row in rows] for end in ("low", "value", "high"))
    axes.axhline(0.5, color=MUTED, linestyle=":", linewidth=1.4, label="Chance")
    axes.errorbar(hidden, middle, _spread(middle, low, high), color=MODEL, marker="o", markersize=5, label="AUROC")
    _name(axes, "", "AUROC", "x")
    axes.legend(loc="upper right")
    observed = [row.observed for _, row in rows]
    below.plot(hidden, observed, color=MUTED, linestyle=":", linewidth=1.6, label="Observed rate")
    below.plot(
        hidden, [row.predicted for _, row in rows], color=OTHER, marker="s", markersize=5, label="Mean prediction"
    )
    _name(below, "Fields hidden at random", "Risk", "xy")
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=" %"))
    risks = [*observed, *(row.predicted for _, row in rows)]
    below.set_ylim(min(risks) - 0.01, max(risks) + 0.03)
    below.legend(loc="upper left", ncols=2)
    return figure


def _spread(values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> NDArray[np.float64]:
    """Lengths of the arms of error bars, shape ``(2, n)``; never below 0, where an interval leaves out its value."""
    return np.maximum(0.0, [np.subtract(values, low), np.subtract(high, values)])


_FIGURES: Final[Mapping[str, Callable[[Findings], Figure]]] = {
    "roc": _roc,
    "precision_recall": _precision_recall,
    "calibration": _calibration,
    "distribution": _distribution,
    "decision_curve": _decision,
    "gains": _gains,
    "missing_fields": _robustness,
}
