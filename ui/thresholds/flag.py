"""The flag of one prediction: what the policy in force says of it."""

import streamlit as st

from ui.clients.api_models import Prediction
from ui.i18n.language import _, percent
from ui.i18n.wording import escape


def draw(prediction: Prediction) -> None:
    """Draw the flag; nothing without a policy, and outside the population."""
    policy, flagged = prediction.policy, next(iter(prediction.flagged), None)
    if policy is None or flagged is None:
        return
    values = {"name": escape(policy.name), "threshold": percent(policy.threshold)}
    if flagged:
        text = _("**Flagged**: the risk is at or above the threshold of the policy {name} ({threshold}).")
        st.markdown(f":material/flag: {text.format(**values)}")
    else:
        text = _("Not flagged: the risk is below the threshold of the policy {name} ({threshold}).")
        st.markdown(text.format(**values))
