"""Predicted risk in the window beside the risk of the cohort that the model was tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import streamlit as st

from ui.charts import palette
from ui.clients.api_models import ServedModel
from ui.clients.prometheus import Sample
from ui.cohort import share_up_to
from ui.i18n.language import _, counted, percent
from ui.monitoring import charts
from ui.monitoring.charts import Bar, Names
from ui.monitoring.expressions import SCORES
from ui.monitoring.panels.panel import panel, picture, usable
from ui.monitoring.snapshot import Readings

DASHBOARD: Final = "api-model"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Predictions with a risk above ``low``, up to ``high``."""

    low: float
    high: float
    count: float


def draw(readings: Readings) -> None:
    """One panel: how risks are distributed, and how they were among the test patients."""
    st.subheader(_("Predicted risk"))
    title = _("Predicted risk in the last {window}").format(window=readings.window.text)
    with panel(title, _("share of the predictions"), SCORES.metric, DASHBOARD):
        answer = readings.samples[SCORES]
        found = buckets(answer) if isinstance(answer, tuple) else ()
        if isinstance(answer, tuple) and not found:
            answer = ()
        if usable(answer, _("No predictions in this window.")):
            _distribution(found, readings.served if isinstance(readings.served, ServedModel) else None)


def _distribution(found: Sequence[Bucket], served: ServedModel | None) -> None:
    total = sum(bucket.count for bucket in found)
    bars = [
        Bar(
            _("{low} to {high}").format(low=percent(bucket.low, 0), high=percent(bucket.high, 0)),
            bucket.count / total,
            expected(bucket, served.risk_quantiles) if served else None,
        )
        for bucket in found
    ]
    here = _("In this window")
    there = _("Cohort of version {version}").format(version=served.version) if served else _("Cohort")
    table = {
        _("Predicted risk"): [bar.name for bar in bars],
        here: [percent(bar.value) for bar in bars],
        **({there: [percent(bar.mark) for bar in bars if bar.mark is not None]} if served else {}),
    }
    words = comparison(found, served)
    st.markdown(f"**{words}**")
    names = Names(_("Predicted risk"), _("Share of predictions"), here, there)
    picture(charts.shares(bars, names, palette()), words, table)
    text = _(
        "Load tests are among these predictions, and records with few known fields lie nearer to the average than the "
        "cohort does: a difference here is a reason to look at the drift below, not a finding."
    )
    st.markdown(f":small[{text}]")


def buckets(samples: Sequence[Sample]) -> tuple[Bucket, ...]:
    """The histogram of Prometheus, which counts up to each bound, as counts between bounds; empty without any."""
    ends = sorted((float(sample.labels["le"]), sample.value) for sample in samples if "le" in sample.labels)
    found, low, below = [], 0.0, 0.0
    for high, up_to in ends:
        if high < inf:
            found.append(Bucket(low, high, max(0.0, up_to - below)))
            low, below = high, max(below, up_to)
    return tuple(found) if below > 0 else ()


def expected(bucket: Bucket, quantiles: Sequence[float]) -> float:
    """Share of the cohort in a bucket."""
    low = share_up_to(bucket.low, quantiles) if bucket.low > 0 else 0.0
    return share_up_to(bucket.high, quantiles) - low


def median(found: Sequence[Bucket]) -> float:
    """The risk that half of the predictions do not exceed, spread evenly within a bucket."""
    left = sum(bucket.count for bucket in found) / 2
    for bucket in found:
        if bucket.count and left <= bucket.count:
            return bucket.low + (bucket.high - bucket.low) * left / bucket.count
        left -= bucket.count
    return found[-1].high


def comparison(found: Sequence[Bucket], served: ServedModel | None) -> str:
    """The chart in words."""
    total = counted("{number} prediction", "{number} predictions", round(sum(bucket.count for bucket in found)))
    if served is None:
        text = _("About {predictions}, half of them of at most {median}. The cohort is not known: the API is away.")
        return text.format(predictions=total, median=percent(median(found)))
    text = _("About {predictions}, half of them of at most {median}; in the cohort, half are of at most {cohort}.")
    middle = served.risk_quantiles[len(served.risk_quantiles) // 2]
    return text.format(predictions=total, median=percent(median(found)), cohort=percent(middle))
