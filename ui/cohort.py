"""Rank of a risk among those of the test encounters, and its ratio to the share readmitted in training.

The test encounters, with all that is known of them, are given by the quantiles of their risk: ``quantiles[i]`` is the
risk that ``i / (n - 1)`` of them do not exceed. Between two quantiles the distribution is taken as uniform.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from ui.i18n.language import _, decimal, percent

BINS: Final = 40
BAND_EDGES: Final = (0.5, 0.8, 0.95)
"""Shares of the cohort that separate the risk bands: lower half, upper half, top fifth, top twentieth."""


class Bin(NamedTuple):
    """A bar of the histogram: the share of the cohort with a risk from ``low`` to ``high``."""

    low: float
    high: float
    share: float


def share_below(risk: float, quantiles: Sequence[float]) -> float:
    """Share of the cohort, 0 to 1, with a lower risk."""
    return _share(bisect_left(quantiles, risk), risk, quantiles)


def share_up_to(risk: float, quantiles: Sequence[float]) -> float:
    """Share of the cohort, 0 to 1, with a lower or equal risk."""
    return _share(bisect_right(quantiles, risk), risk, quantiles)


def _share(above: int, risk: float, quantiles: Sequence[float]) -> float:
    """Interpolated share; ``above`` is the index of the next higher quantile."""
    last = len(quantiles) - 1
    if above == 0:
        return 0.0
    if above > last:
        return 1.0
    low, high = quantiles[above - 1], quantiles[above]
    return (above - 1 + (risk - low) / (high - low)) / last


def quantile(share: float, quantiles: Sequence[float]) -> float:
    """The risk that a share of the cohort does not exceed."""
    return float(np.quantile(quantiles, share))


def axis_end(risk: float, quantiles: Sequence[float]) -> float:
    """End of the risk axis: includes ``risk`` and 99 % of the cohort, so that outliers do not stretch it."""
    return min(1.0, max(risk, quantile(0.99, quantiles)) * 1.08) or 1.0


def distribution(quantiles: Sequence[float], end: float, bins: int = BINS) -> list[Bin]:
    """Histogram of the cohort from 0 to ``end``, without the outliers beyond."""
    edges = [end * step / bins for step in range(bins + 1)]
    shares = [0.0, *(share_up_to(edge, quantiles) for edge in edges[1:])]
    return [Bin(edges[i], edges[i + 1], shares[i + 1] - shares[i]) for i in range(bins)]


def standing(risk: float, quantiles: Sequence[float]) -> str:
    """Rank of a risk among the test encounters, as a sentence."""
    below = share_below(risk, quantiles)
    if below < 0.01:
        return _("Higher than the risk of none of the test encounters.")
    if below > 0.995:
        return _("Higher than the risk of all test encounters.")
    return _("Higher than the risk of {share} of the test encounters.").format(share=percent(below, 0))


def ratio(risk: float, prevalence: float) -> str:
    """Ratio of a risk to the share readmitted in training, as a sentence; empty if nobody was."""
    if prevalence <= 0:
        return ""
    times = risk / prevalence
    if 0.95 <= times <= 1.05:
        text = _("About the share readmitted among the training encounters ({average}).")
    else:
        text = _("{ratio} times the share readmitted among the training encounters ({average}).")
    return text.format(ratio=decimal(times, 1), average=percent(prevalence))


def band_of(risk: float, quantiles: Sequence[float]) -> str:
    """Name of the band of a risk, by the share of the cohort with a lower risk."""
    names = (_("Lower half"), _("Upper half"), _("Top fifth"), _("Top twentieth"))
    return names[bisect_right(BAND_EDGES, share_below(risk, quantiles))]


def band_definition(quantiles: Sequence[float]) -> str:
    """The risks at which the bands end."""
    half, fifth, twentieth = (percent(quantile(edge, quantiles)) for edge in BAND_EDGES)
    text = _(
        "Bands by rank among the test encounters: lower half, up to {half}; upper half, up to {fifth}; "
        "top fifth, up to {twentieth}; top twentieth, above. They rank risks and do not advise."
    )
    return text.format(half=half, fifth=fifth, twentieth=twentieth)
