"""Capacity and threshold on a scored file: whom to call, what to expect, and the figures on the test patients."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ml.core.policies.figures import figures_at
from ml.core.policies.threshold_table import STEPS, steps_of
from ui import services
from ui.batch.scoring import ScoringJob
from ui.clients.errors import ServiceError
from ui.i18n.language import _, counted, decimal, percent
from ui.model import registry_snapshot
from ui.thresholds import controls, figures_view, policy_form, store
from ui.thresholds.controls import By

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "batch-capacity"


def draw(job: ScoringJob, risks: "pd.Series[float]") -> None:
    """Draw controls, the figures of the file, and on request those of the test patients and the policy."""
    with st.expander(_("Capacity and threshold"), icon=":material/call:", key=f"{PREFIX}-open"):
        weeks = st.number_input(_("Weeks that the file covers"), min_value=1, value=1, step=1, key=f"{PREFIX}-weeks")
        if controls.by(PREFIX) is By.THRESHOLD:
            step = controls.threshold_input(PREFIX)
        else:
            step = max(1, step_of_rank(risks, controls.capacity_input(PREFIX) * weeks))
        _draw_file(risks, step, weeks)
        if len(job.versions) == 1 and st.toggle(_("Figures on the test patients, and policy"), key=f"{PREFIX}-more"):
            _draw_test_patients(next(iter(job.versions)), step, len(risks) / weeks)


def step_of_rank(risks: "pd.Series[float]", most: int) -> int:
    """The lowest threshold, in steps, that flags at most so many of the rows."""
    if len(risks) <= most:
        return 0
    highest_left = np.sort(steps_of(risks.to_numpy()))[::-1][most]
    return int(highest_left) + 1


def _draw_file(risks: "pd.Series[float]", step: int, weeks: int) -> None:
    flagged = risks[steps_of(risks.to_numpy()) >= step]
    expected, everybody = float(flagged.sum()), float(risks.sum())
    with st.container(horizontal=True, gap="large"):
        st.metric(_("Threshold"), percent(step / STEPS), width="content")
        st.metric(_("Flagged in the file"), decimal(len(flagged), 0), width="content")
        st.metric(_("Flagged per week"), decimal(len(flagged) / weeks, 1), width="content")
        share = percent(expected / everybody) if everybody else figures_view.NONE
        help_text = _("By the risks of the rows: their sum is the number of readmissions to expect.")
        st.metric(_("Expected readmissions caught"), share, width="content", help=help_text)
    text = counted(
        "{number} readmission is expected among the flagged rows, {all} in the file.",
        "{number} readmissions are expected among the flagged rows, {all} in the file.",
        round(expected),
    )
    st.markdown(text.format(all=decimal(everybody, 0)))


def _draw_test_patients(number: str, step: int, per_week: float) -> None:
    snapshot = registry_snapshot.fetch_snapshot(services.serving_state())
    version = None if isinstance(snapshot, ServiceError) else snapshot.version(number)
    if version is None:
        st.info(_("The registry is not available, so the figures cannot be shown."), icon=":material/cloud_off:")
        return
    table = store.fetch_or_explain(version)
    if table is not None:
        figures_view.draw(figures_at(table, step), per_week)
        policy_form.draw(step, number)
