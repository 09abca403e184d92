"""Where one risk stands among the risks of the cohort. Pure figures, no drawing.

The cohort is known by its quantiles only: ``quantiles[i]`` is the risk that ``i / (n - 1)`` of the test
patients do not exceed. Between two quantiles the patients are taken to be spread evenly.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ui.i18n.language import _, decimal, percent

BINS = 40


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the distribution: the share of the cohort with a risk from ``low`` to ``high``."""

    low: float
    high: float
    share: float


def share_below(risk: float, quantiles: Sequence[float]) -> float:
    """Share of the cohort, 0 to 1, whose risk is lower."""
    return _share(bisect_left(quantiles, risk), risk, quantiles)


def share_up_to(risk: float, quantiles: Sequence[float]) -> float:
    """Share of the cohort, 0 to 1, whose risk is lower or equal."""
    return _share(bisect_right(quantiles, risk), risk, quantiles)


def _share(above: int, risk: float, quantiles: Sequence[float]) -> float:
    """Share below a risk whose right neighbour among the quantiles is number ``above``, by interpolation."""
    last = len(quantiles) - 1
    if above == 0:
        return 0.0
    if above > last:
        return 1.0
    low, high = quantiles[above - 1], quantiles[above]
    return (above - 1 + (risk - low) / (high - low)) / last


def quantile(share: float, quantiles: Sequence[float]) -> float:
    """The risk that a share of the cohort does not exceed."""
    place = share * (len(quantiles) - 1)
    low = min(int(place), len(quantiles) - 2)
    return quantiles[low] + (place - low) * (quantiles[low + 1] - quantiles[low])


def axis_end(risk: float, quantiles: Sequence[float]) -> float:
    """Right end of the chart: the patient and 99 of 100 others fit; the few far outliers do not stretch it."""
    return min(1.0, max(risk, quantile(0.99, quantiles)) * 1.08) or 1.0


def distribution(quantiles: Sequence[float], end: float, bins: int = BINS) -> list[Bin]:
    """The cohort as bars of equal width from 0 to ``end``; outliers beyond stand in no bar."""
    edges = [end * step / bins for step in range(bins + 1)]
    shares = [0.0, *(share_up_to(edge, quantiles) for edge in edges[1:])]
    return [
        Bin(low, high, after - before)
        for low, high, before, after in zip(edges, edges[1:], shares, shares[1:], strict=False)
    ]


def comparison(risk: float, quantiles: Sequence[float], prevalence: float) -> str:
    """The chart in words: where the patient stands, and how that compares to the average."""
    below = share_below(risk, quantiles)
    if below < 0.01:
        standing = _("Higher than no one in the cohort")
    elif below > 0.995:
        standing = _("Higher than everyone in the cohort")
    else:
        standing = _("Higher than {share} of the cohort").format(share=percent(below, 0))
    if prevalence <= 0:
        return f"{standing}."
    ratio = risk / prevalence
    if 0.95 <= ratio <= 1.05:
        text = _("{standing}, about the average of {average}.")
        return text.format(standing=standing, average=percent(prevalence))
    text = _("{standing}, {ratio} times the average of {average}.")
    return text.format(standing=standing, ratio=decimal(ratio, 1), average=percent(prevalence))
