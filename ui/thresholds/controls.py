"""Controls: encounters per week, and either the patients that can be called per week or a threshold."""

from enum import StrEnum
from typing import Final, NamedTuple

import streamlit as st

from ml.core.policies.figures import shares_flagged, step_for_capacity
from ml.core.policies.threshold_table import STEPS, ThresholdTable
from ui.address import choices
from ui.i18n.language import _, decimal

OTHER_ENCOUNTERS: Final = 100
"""Encounters per week where the data have no known period."""
CAPACITY: Final = 20
THRESHOLD: Final = 20.0
"""Percent."""
LOWEST, HIGHEST = 0.1, 99.9
"""Thresholds that can be chosen, in percent."""
MOST: Final = 1_000_000
"""Encounters per week, and patients that can be called, that an address may hold."""


class By(StrEnum):
    """What the user gives; the other follows."""

    CAPACITY = "capacity"
    THRESHOLD = "threshold"


class Choice(NamedTuple):
    """A threshold, as number of steps of 0.1 %, and the encounters per week that it is applied to."""

    step: int
    per_week: float


def choose(table: ThresholdTable, prefix: str) -> Choice:
    """Draw the controls; ``prefix`` begins the keys of the widgets."""
    given = table.encounters_per_week
    choices.preset(f"{prefix}-per-week", round(given) if given else OTHER_ENCOUNTERS)
    left, right = st.columns(2)
    with left:
        per_week = st.number_input(
            _("Discharges per week"),
            min_value=1,
            step=10,
            key=f"{prefix}-per-week",
            persist_state="session",
        )
        if given:
            text = _("The data set has {number} a week, of 130 hospitals from 1999 to 2008: enter your own number.")
            st.markdown(f":small[{text.format(number=decimal(given, 0))}]")
        else:
            st.markdown(f":small[{_('These data have no known period: enter your own number.')}]")
    with right:
        step = _step(table, per_week, prefix)
    return Choice(step, per_week)


def by(prefix: str) -> By:
    """Draw the choice between capacity and threshold."""
    names = {By.CAPACITY: _("Capacity"), By.THRESHOLD: _("Threshold")}
    choices.preset(f"{prefix}-by", By.CAPACITY, list(By))
    chosen = st.segmented_control(
        _("Start from"),
        list(By),
        format_func=names.__getitem__,
        required=True,
        key=f"{prefix}-by",
        persist_state="session",
    )
    return By(chosen or By.CAPACITY)


def threshold_input(prefix: str) -> int:
    """Draw the input of a threshold; returns the number of steps."""
    choices.preset(f"{prefix}-threshold", THRESHOLD)
    percent = st.number_input(
        _("Risk from which patients are flagged, in percent"),
        min_value=LOWEST,
        max_value=HIGHEST,
        step=0.1,
        format="%.1f",
        key=f"{prefix}-threshold",
        persist_state="session",
    )
    return round(percent * STEPS / 100)


def capacity_input(prefix: str) -> int:
    """Draw the input of a capacity, in patients per week."""
    choices.preset(f"{prefix}-capacity", CAPACITY)
    label = _("Patients that can be called per week")
    return int(st.number_input(label, min_value=1, step=1, key=f"{prefix}-capacity", persist_state="session"))


def _step(table: ThresholdTable, per_week: float, prefix: str) -> int:
    if by(prefix) is By.THRESHOLD:
        return threshold_input(prefix)
    capacity = capacity_input(prefix)
    step = max(1, step_for_capacity(table, capacity / per_week))
    if shares_flagged(table)[min(step, table.counts.shape[-1])] == 0:
        st.warning(_("This capacity is too small for any threshold: even the highest risks are more patients."))
    return step
