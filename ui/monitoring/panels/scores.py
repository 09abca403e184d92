"""Predicted risk in the window, compared with the cohort that the model was tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import streamlit as st

from ui import chart_specs
from ui.chart_specs import Bar, BarTitles
from ui.charts import palette
from ui.clients.api_models import ServedModel
from ui.clients.errors import ServiceError
from ui.clients.prometheus import Sample
from ui.cohort import share_up_to
from ui.i18n.language import _, counted, percent
from ui.monitoring.panels.panel import Panel, available, draw_chart
from ui.monitoring.queries import SCORES
from ui.monitoring.snapshot import Snapshot

DASHBOARD: Final = "api-model"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Number of predictions with a risk above ``low``, up to ``high``."""

    low: float
    high: float
    count: float


def draw(snapshot: Snapshot) -> None:
    """One panel with both distributions."""
    st.subheader(_("Predicted risk"))
    title = _("Predicted risk in the last {window}").format(window=snapshot.window.text)
    with Panel(title, _("share of the predictions"), SCORES.metric, DASHBOARD).frame(snapshot):
        samples = snapshot.samples[SCORES]
        result = samples if isinstance(samples, ServiceError) else buckets(samples)
        if found := available(result, _("No predictions in this window.")):
            _distribution(found, snapshot.served_model)


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
    window = _("In this window")
    cohort = _("Test encounters of version {version}")
    cohort = cohort.format(version=served.version) if served else _("Test encounters")
    table = {_("Predicted risk"): [bar.name for bar in bars], window: [percent(bar.value) for bar in bars]}
    if served:
        table[cohort] = [percent(bar.mark) for bar in bars if bar.mark is not None]
    words = comparison(found, served)
    st.markdown(f"**{words}**")
    titles = BarTitles(_("Predicted risk"), _("Share of predictions"), window, cohort)
    draw_chart(chart_specs.bars(bars, titles, palette()), words, table)
    text = _(
        "Load tests are included, and records with few known fields lie nearer to the average than the test "
        "encounters: a difference here is a reason to look at the drift below, not a result."
    )
    st.markdown(f":small[{text}]")


def buckets(samples: Sequence[Sample]) -> tuple[Bucket, ...]:
    """Prometheus's cumulative histogram as counts between its bounds; empty without predictions."""
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
    """Median risk, with predictions spread evenly within a bucket."""
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
        text = _("About {predictions}, median {median}. The test encounters are not known: the API does not answer.")
        return text.format(predictions=total, median=percent(median(found)))
    text = _("About {predictions}, median {median}; the median of the test encounters is {cohort}.")
    middle = served.risk_quantiles[len(served.risk_quantiles) // 2]
    return text.format(predictions=total, median=percent(median(found)), cohort=percent(middle))
