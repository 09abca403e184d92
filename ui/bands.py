"""Risk bands by rank in the cohort: lower half, upper half, top fifth, top twentieth."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from ui.cohort import quantile, share_below
from ui.i18n.language import _, percent

EDGES: Final = (0.5, 0.8, 0.95)
"""Shares of the cohort that separate the bands."""


def band_of(risk: float, quantiles: Sequence[float]) -> str:
    """Name of the band of a risk, by the share of the cohort with a lower risk."""
    names = (_("Lower half"), _("Upper half"), _("Top fifth"), _("Top twentieth"))
    return names[bisect_right(EDGES, share_below(risk, quantiles))]


def definition(quantiles: Sequence[float]) -> str:
    """The risks at which the bands end."""
    half, fifth, twentieth = (percent(quantile(edge, quantiles)) for edge in EDGES)
    text = _(
        "Bands by rank among the test patients: lower half, up to {half}; upper half, up to {fifth}; "
        "top fifth, up to {twentieth}; top twentieth, above. They rank risks and do not advise."
    )
    return text.format(half=half, fifth=fifth, twentieth=twentieth)
