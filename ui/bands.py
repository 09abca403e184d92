"""Bands of risk: named by rank in the cohort, so that they say no more than what was measured."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ui.cohort import quantile, share_below
from ui.i18n.language import _, percent

EDGES: Final = (0.5, 0.8, 0.95)
"""Shares of the cohort at which a band ends and the next begins."""


@dataclass(frozen=True, slots=True)
class Band:
    """One band: its place among all, from 0, and its name."""

    number: int
    name: str


def names() -> tuple[str, ...]:
    """Names of the bands, the lowest first."""
    return _("Lower half"), _("Upper half"), _("Top fifth"), _("Top twentieth")


def band_of(risk: float, quantiles: Sequence[float]) -> Band:
    """The band a risk lies in, by the share of the cohort whose risk is lower."""
    number = bisect_right(EDGES, share_below(risk, quantiles))
    return Band(number, names()[number])


def definition(quantiles: Sequence[float]) -> str:
    """Where each band begins, and what bands are."""
    half, fifth, twentieth = (percent(quantile(edge, quantiles)) for edge in EDGES)
    text = _(
        "Bands by rank among the test patients: lower half, up to {half}; upper half, up to {fifth}; "
        "top fifth, up to {twentieth}; top twentieth, above. They rank risks and do not advise."
    )
    return text.format(half=half, fifth=fifth, twentieth=twentieth)
