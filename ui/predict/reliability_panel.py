"""Reliability of a result: known fields, expected AUROC, interval, use of the history, and unknown fields."""

from typing import Final

import streamlit as st

from ml.schema import FEATURES
from ui.clients.api_models import Prediction, ServedModel
from ui.i18n.language import _, decimal, percent
from ui.predict import fields
from ui.predict.reliability import largest_gains
from ui.predict.result import Result

_MIN_WIDTH: Final = 0.0005
"""Ends of a narrower interval look equal."""


def draw(prediction: Prediction, model: ServedModel | None) -> None:
    """Number of known fields, expected AUROC, interval and use of the history."""
    known = _("{known} of {all} fields known.").format(known=prediction.known_fields[0], all=len(FEATURES))
    ranking = _(
        "With so much known, the model ranks a readmitted test patient above one who is not in {share} of pairs; "
        "a guess would reach half (AUROC {auroc})."
    ).format(share=percent(prediction.reliability[0], 0), auroc=decimal(prediction.reliability[0], 2))
    history = {
        "used": _("The earlier stays of this patient were taken into account."),
        "unknown": _("The database has no earlier stays of this patient, so none were taken into account."),
        "unavailable": _("Earlier stays could not be looked up in time, so they were not taken into account."),
    }.get(prediction.history[0])
    lines = [f"**{known}** {ranking}", _interval(prediction, model), *([history] if history else [])]
    st.markdown("\n\n".join(lines))


def _interval(prediction: Prediction, model: ServedModel | None) -> str:
    low, high = prediction.intervals[0]
    if high - low < _MIN_WIDTH:
        return _("**Range:** none, because no further field would change this answer.")
    if model is None:
        text = _("**Range: {low} to {high}**, which would most likely hold the answer if all fields were known.")
        return text.format(low=percent(low), high=percent(high))
    text = _(
        "**Range: {low} to {high}.** If all fields were known, {share} of such answers would lie in it. "
        "It does not cover what no model can know."
    )
    return text.format(low=percent(low), high=percent(high), share=percent(model.interval_coverage, 0))


def draw_unknown_fields(result: Result) -> None:
    """The unknown fields that would raise the expected AUROC most."""
    st.subheader(_("What knowing more would change"))
    if result.model is None:
        st.markdown(_("The figures of this model version are not available now."))
        return
    gains = largest_gains(result.known, result.model.reliability_curve)
    if not gains:
        st.markdown(_("Little: no unknown field holds half a percent of the information that this model uses."))
        return
    text = _("Expected AUROC with the known fields: {auroc}. These unknown fields hold most of what is missing:")
    st.markdown(text.format(auroc=decimal(result.prediction.reliability[0])))
    st.table(
        {
            _("Field"): [fields.input_label(gain.field) for gain in gains],
            _("Share of all information"): [percent(gain.weight, 0) for gain in gains],
            _("AUROC if it were known too"): [decimal(gain.auroc) for gain in gains],
        },
        border="horizontal",
        hide_index=True,
        alt=_("Unknown fields that would add most"),
    )
