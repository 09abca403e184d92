"""How much was known of a patient, how far the answer may be trusted for it, and what knowing more would change."""

from collections.abc import Collection, Mapping
from typing import Final

import streamlit as st

from ml.schema import FEATURES, INPUTS
from ui.clients.api_models import Prediction, ServedModel
from ui.i18n.language import _, decimal, percent
from ui.i18n.wording import label_of
from ui.predict.reliability import EARLIER_STAYS, most_telling

_COLUMNS: Final = {column.name: column for column in INPUTS}
_USED: Final = "used"
_SAME: Final = 0.0005
"""Ends of a range that read alike."""


def draw(prediction: Prediction, model: ServedModel | None) -> None:
    """Known fields, reliability, range and earlier stays of one answer."""
    known = _("{known} of {all} fields known.").format(known=prediction.known_fields[0], all=len(FEATURES))
    lines = [f"**{known}** {_ranking(prediction.reliability[0])}", _range(prediction, model)]
    if history := _history(prediction.history[0]):
        lines.append(history)
    st.markdown("\n\n".join(lines))


def draw_more(record: Mapping[str, str | int], prediction: Prediction, model: ServedModel | None) -> None:
    """The fields that would add most, were they known."""
    st.subheader(_("What knowing more would change"))
    if model is None:
        st.markdown(_("The figures of this model version cannot be had now."))
        return
    gains = most_telling(_known(record, prediction), model.completeness)
    if not gains:
        st.markdown(_("Nothing: all that tells this model anything is known."))
        return
    now = _("AUROC to expect as it is: {auroc}. These unknown fields hold most of what is missing:")
    st.markdown(now.format(auroc=decimal(prediction.reliability[0])))
    st.table(
        {
            _("Field"): [_label(gain.field) for gain in gains],
            _("Share of all information"): [percent(gain.weight, 0) for gain in gains],
            _("AUROC if it were known too"): [decimal(gain.auroc) for gain in gains],
        },
        border="horizontal",
        hide_index=True,
        alt=_("Unknown fields that would add most"),
    )


def _known(record: Mapping[str, str | int], prediction: Prediction) -> Collection[str]:
    """What the model knew: the fields of the record, and the earlier stays where they were found."""
    return {*record, *([EARLIER_STAYS] if prediction.history[0] == _USED else [])}


def _label(name: str) -> str:
    if name == EARLIER_STAYS:
        return _("Earlier stays (by the patient number)")
    return label_of(_COLUMNS[name]) if name in _COLUMNS else name


def _ranking(auroc: float) -> str:
    text = _(
        "With so much known, the model ranks a readmitted test patient above one who is not in {share} of pairs; "
        "half would be a guess (AUROC {auroc})."
    )
    return text.format(share=percent(auroc, 0), auroc=decimal(auroc, 2))


def _range(prediction: Prediction, model: ServedModel | None) -> str:
    low, high = prediction.intervals[0]
    if high - low < _SAME:
        return _("**Range:** none, for nothing is left to know that would move this answer.")
    if model is None:
        text = _(
            "**Range: {low} to {high}**, in which the answer would most likely lie if all were known of the patient."
        )
        return text.format(low=percent(low), high=percent(high))
    text = _(
        "**Range: {low} to {high}.** If all were known of the patient, {share} of such answers would lie in it. "
        "It says nothing of what no model can know."
    )
    return text.format(low=percent(low), high=percent(high), share=percent(model.interval_coverage, 0))


def _history(state: str) -> str:
    """What became of the patient's earlier stays; nothing where no patient number was given."""
    return {
        _USED: _("The earlier stays of this patient were taken into account."),
        "unknown": _("The database does not know this patient, so no earlier stays were taken into account."),
        "unavailable": _("Earlier stays could not be looked up in time, so they were not taken into account."),
    }.get(state, "")
