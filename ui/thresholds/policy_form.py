"""The policy in force, its changes, and the operator's form that changes it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ml.core.policies.policy import MAX_NAME, MAX_TEXT
from ml.core.policies.threshold_table import STEPS
from ui import banners, operator, services
from ui.clients.api_models import PolicyChange, PolicyState
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _, format_utc, percent
from ui.i18n.wording import escape


def draw(step: int, version: str) -> None:
    """Draw the policy, and the form that puts the threshold ``step`` in force."""
    st.header(_("Policy"))
    st.markdown(
        _(
            "A policy is a threshold with a name. While it is in force, every prediction says whether the encounter is "
            "flagged. Each change is kept with name, time and reason."
        )
    )
    state = result_or_error(services.api().policy)
    if isinstance(state, ServiceError):
        banners.service_error(state)
        return
    st.markdown(sentence(state))
    if state.changes:
        _draw_changes(state.changes)
    elif state.changes is None:
        st.info(_("The changes cannot be read: the database does not answer."), icon=":material/cloud_off:")
    if operator.key_form("policy"):
        _draw_form(step, version, is_in_force=state.policy is not None)


def sentence(state: PolicyState) -> str:
    """The policy in force in one sentence."""
    if state.policy is None:
        return _("No policy is in force: no encounter is flagged.")
    text = _("In force: **{name}**, from a risk of {threshold} on.")
    return text.format(name=escape(state.policy.name), threshold=percent(state.policy.threshold))


def _draw_changes(changes: Sequence[PolicyChange]) -> None:
    rows = {
        _("Changed at"): [format_utc(one.changed_at) for one in changes],
        _("Policy"): [one.policy.name if one.policy else _("withdrawn") for one in changes],
        _("Threshold"): [percent(one.policy.threshold) if one.policy else "" for one in changes],
        _("By"): [one.actor for one in changes],
        _("Reason"): [one.reason for one in changes],
        _("Model version"): [one.model_version or "" for one in changes],
    }
    with st.container(key="as-the-service-says-policies"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt=_("Changes of the policy, the newest first"))


def _draw_form(step: int, version: str, *, is_in_force: bool) -> None:
    with st.form("policy-change", border=False):
        name = st.text_input(_("Name of the policy"), max_chars=MAX_NAME, key="policy-name")
        actor = st.text_input(_("Who decides"), max_chars=MAX_TEXT, key="policy-actor")
        reason = st.text_input(_("Reason, for the ledger"), max_chars=MAX_TEXT, key="policy-reason")
        with st.container(horizontal=True):
            label = _("Put the threshold {threshold} in force").format(threshold=percent(step / STEPS))
            put = st.form_submit_button(label, type="primary", icon=":material/flag:", key="policy-put")
            withdraw = is_in_force and st.form_submit_button(
                _("Withdraw the policy"), icon=":material/block:", key="policy-withdraw"
            )
    if not put and not withdraw:
        return
    missing = [label for label, text in ((_("Who decides"), actor), (_("Reason, for the ledger"), reason)) if not text]
    if put and not name.strip():
        missing.insert(0, _("Name of the policy"))
    if missing:
        st.error(_("Fill in: {fields}.").format(fields=", ".join(missing)), icon=":material/edit_note:")
        return
    policy = {"name": name.strip(), "threshold": step / STEPS} if put else None
    change = {"policy": policy, "actor": actor, "reason": reason, "model_version": version}
    key = services.settings().operator_key.get_secret_value()
    changed = result_or_error(lambda: services.api().change_policy(change, key))
    if isinstance(changed, ServiceError):
        banners.service_error(changed)
    else:
        st.rerun()
