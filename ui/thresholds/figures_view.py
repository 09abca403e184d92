"""Draws the figures of a threshold: overall, net benefit, and by subgroup."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from ml.core.policies.figures import MIN_CELL, GroupFigures, Interval, NetBenefit, Ratios, ThresholdFigures
from ml.schema import BY_NAME
from ui.i18n.language import _, decimal, percent
from ui.i18n.wording import label_of, value_label

NONE: Final = "–"


def draw(figures: ThresholdFigures, per_week: float) -> None:
    """Draw all figures."""
    _draw_headline(figures, per_week)
    st.subheader(_("On the test patients"))
    _draw_overall(figures.overall, per_week)
    _draw_missed(figures)
    st.subheader(_("Net benefit"))
    _draw_net_benefit(figures.net_benefit, figures.threshold)
    st.subheader(_("By race, gender and age"))
    text = _(
        "Ratios divide the lowest rate of the groups by the highest: 1 is equal, below 0.8 is often called unequal. "
        "Equal opportunity compares sensitivities, predictive equality the rates of false alarms."
    )
    st.markdown(text)
    for column, ratios in figures.ratios.items():
        _draw_groups(column, [one for one in figures.groups if one.group.column == column], ratios)
    text = _(
        "95% intervals by bootstrap over patients with all of their encounters. Figures that rest on fewer than "
        "{number} encounters are not shown."
    )
    st.markdown(f":small[{text.format(number=MIN_CELL)}]")


def share(one: Interval | None, digits: int = 1) -> str:
    """A share with its interval."""
    if one is None:
        return NONE
    return _with_interval(*(percent(value, digits) for value in one))


def number(one: Interval | None, digits: int = 1) -> str:
    """A number with its interval."""
    return NONE if one is None else _with_interval(*(decimal(value, digits) for value in one))


def count(cell: int | None) -> str:
    """A number of encounters, unless it is too small."""
    return _("under {number}").format(number=MIN_CELL) if cell is None else decimal(cell, 0)


def _with_interval(value: str, low: str, high: str) -> str:
    return _("{value} ({low} to {high})").format(value=value, low=low, high=high)


def _weekly(one: GroupFigures, per_week: float) -> Interval | None:
    return one.share_flagged and Interval(*(per_week * value for value in one.share_flagged))


def _draw_headline(figures: ThresholdFigures, per_week: float) -> None:
    overall, weekly = figures.overall, _weekly(figures.overall, per_week)
    values = (
        (_("Threshold"), percent(figures.threshold)),
        (_("Flagged per week"), NONE if weekly is None else decimal(weekly.value, 1)),
        (_("Readmissions caught"), NONE if overall.sensitivity is None else percent(overall.sensitivity.value)),
        (_("Readmitted among the flagged"), NONE if overall.ppv is None else percent(overall.ppv.value)),
    )
    with st.container(horizontal=True, gap="large"):
        for label, value in values:
            st.metric(label, value, width="content")


def _draw_overall(one: GroupFigures, per_week: float) -> None:
    text = _("{encounters} test encounters, {readmissions} of them readmitted within 30 days.")
    st.markdown(text.format(encounters=count(one.encounters), readmissions=count(one.readmissions)))
    rows = [
        (_("Flagged per week"), number(_weekly(one, per_week)), _("At or above the threshold.")),
        (_("Share flagged"), share(one.share_flagged), _("Of all encounters.")),
        (_("Sensitivity"), share(one.sensitivity), _("Share of the readmissions that are flagged.")),
        (_("PPV"), share(one.ppv), _("Share of the flagged that are readmitted.")),
        (_("NPV"), share(one.npv), _("Share of the others that are not readmitted.")),
        (_("False positive rate"), share(one.false_positive_rate), _("Share flagged of those not readmitted.")),
        (_("Number needed to evaluate"), number(one.number_needed), _("Flagged encounters for one readmission.")),
    ]
    names, values, meanings = zip(*rows, strict=True)
    st.table(
        pd.DataFrame({_("Value and 95% interval"): values, _("Meaning"): meanings}, list(names)),
        border="horizontal",
        alt=_("The figures of the threshold with their 95% intervals"),
    )


def _draw_missed(figures: ThresholdFigures) -> None:
    overall = figures.overall
    if overall.missed is None or overall.sensitivity is None:
        return
    text = _("Missed: {missed} of {all} readmissions ({share}) are below the threshold.")
    parts = [text.format(
        missed=count(overall.missed), all=count(overall.readmissions), share=percent(1 - overall.sensitivity.value)
    )]  # fmt: skip
    measured = [(one.sensitivity.value, one) for one in figures.groups if one.sensitivity is not None]
    if measured:
        lowest, group = min(measured, key=lambda pair: pair[0])
        text = _("Most often missed: {group}, {share} of their readmissions.")
        parts.append(text.format(group=_title(group), share=percent(1 - lowest)))
    st.markdown(" ".join(parts))


def _title(one: GroupFigures) -> str:
    column = BY_NAME[one.group.column]
    return f"{label_of(column)} {value_label(column, one.group.value)}"


def _draw_net_benefit(benefit: NetBenefit, threshold: float) -> None:
    text = _(
        "Readmissions caught per 100 encounters, less the false alarms at the exchange rate of the threshold: one "
        "readmission is worth {number} false alarms."
    )
    st.markdown(text.format(number=decimal((1 - threshold) / threshold, 1)))
    ways = {
        _("This model"): benefit.model,
        _("LACE proxy at the same threshold"): benefit.reference,
        _("Follow up everybody"): benefit.everybody,
        _("Follow up nobody"): Interval(0, 0, 0),
    }
    values = [number(Interval(*(100 * value for value in one)), 2) for one in ways.values()]
    st.table(
        pd.DataFrame({_("Per 100 encounters, and 95% interval"): values}, list(ways)),
        border="horizontal",
        alt=_("Net benefit of the model, the LACE proxy, everybody and nobody"),
    )


def _draw_groups(column: str, groups: Sequence[GroupFigures], ratios: Ratios) -> None:
    field = BY_NAME[column]
    columns = {
        _("Encounters"): [count(one.encounters) for one in groups],
        _("Flagged"): [count(one.flagged) for one in groups],
        _("Missed"): [count(one.missed) for one in groups],
        _("Sensitivity"): [share(one.sensitivity, 0) for one in groups],
        _("False positive rate"): [share(one.false_positive_rate, 0) for one in groups],
        _("PPV"): [share(one.ppv, 0) for one in groups],
        _("NPV"): [share(one.npv, 0) for one in groups],
    }
    st.markdown(f"**{label_of(field)}**")
    st.dataframe(
        pd.DataFrame(columns, pd.Index([value_label(field, one.group.value) for one in groups], name=label_of(field))),
        alt=_("Figures of the threshold by subgroup"),
    )
    text = _("Equal-opportunity ratio {opportunity}, predictive-equality ratio {equality}.")
    values = (number(ratio, 2) for ratio in (ratios.equal_opportunity, ratios.predictive_equality))
    st.markdown(text.format(**dict(zip(("opportunity", "equality"), values, strict=True))))
