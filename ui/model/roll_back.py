"""Rolls production back to another version: operator key, confirmation, and a DAG run that is followed to its end."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

import streamlit as st

from ui import banners, operator, services
from ui.clients.airflow import SUCCESS, DagRun
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _
from ui.model import gate_decision
from ui.model.registry_snapshot import RegistrySnapshot, refresh
from ui.model.version_select import describe

DAG: Final = "roll_back_model"
MAX_NAME_LENGTH: Final = 80
MAX_REASON_LENGTH: Final = 500
"""Limits of the DAG's parameters; the ledger adds to the name where it was entered."""
REQUEST: Final = "roll-back-request"
"""Key of the session's rollback request."""


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """A rollback that this session has started."""

    to: str
    withdrawn: str
    run: DagRun


def draw(snapshot: RegistrySnapshot) -> None:
    """The state of this session's rollback, and the form for an operator."""
    st.header(_("Roll back"))
    st.markdown(
        _(
            "Production points to another version again, in one write, and the API follows within 15 seconds. The "
            "withdrawn version keeps its record, and the gate does not promote it again by itself."
        )
    )
    request: RollbackRequest | None = st.session_state.get(REQUEST)
    if request and request.run.is_finished:
        _outcome(request)
    elif request:
        _follow()
    if not operator.key_form("roll-back"):
        return
    production = snapshot.production
    if production is None:
        st.info(_("No version is in production, so there is nothing to go back from."))
        return
    others = [one.version for one in snapshot.versions if one.version != production.version]
    not_withdrawn = [one.version for one in snapshot.versions if one.tag(gate_decision.ROLLED_BACK) is None]
    if not others:
        st.info(_("There is no other version to go back to."))
        return
    # Only the version that the gate noted as replaced: which one a rollback without a choice takes, the ledger decides.
    replaced = production.tag(gate_decision.REPLACED)
    to = st.selectbox(
        _("Version to go back to"),
        others,
        index=others.index(replaced) if replaced in others and replaced in not_withdrawn else None,
        format_func=lambda number: describe(snapshot, number),
        placeholder=_("Choose a version"),
        key="roll-back-to",
    )
    is_running = request is not None and not request.run.is_finished
    label, icon = _("Roll back…"), ":material/history:"
    if st.button(label, type="primary", icon=icon, disabled=to is None or is_running, key="roll-back") and to:
        # The decorator is applied here because the title depends on the language of the session.
        st.dialog(_("Roll production back?"), icon=icon)(confirm)(production.version, to)


def confirm(production: str, to: str) -> None:
    """Content of the dialog: starts the DAG once the number of the version has been typed."""
    text = _("Production goes from version **{present}** to version **{to}**. Every prediction changes with it.")
    st.markdown(text.format(present=production, to=to))
    # The operator key identifies no person.
    name = st.text_input(_("Who decides"), max_chars=MAX_NAME_LENGTH, key="roll-back-name").strip()
    reason = st.text_input(_("Reason, for the ledger"), max_chars=MAX_REASON_LENGTH, key="roll-back-reason")
    typed = st.text_input(_("Type {version} to confirm").format(version=to), key="roll-back-typed", autocomplete="off")
    if not st.button(_("Roll back to version {version}").format(version=to), type="primary", key="roll-back-now"):
        return
    if typed.strip() != to:
        st.error(_("The number differs: type {version}.").format(version=to), icon=":material/edit_note:")
    elif not name:
        st.error(_("Fill in: {fields}.").format(fields=_("Who decides")), icon=":material/edit_note:")
    elif not operator.is_unlocked():
        st.error(_("The operator key is locked again: enter it first."), icon=":material/lock:")
    else:
        conf = {"to": to, "actor": name, "reason": reason.strip()}
        with st.spinner(_("Starting the pipeline…")):
            run = result_or_error(lambda: services.airflow().trigger(DAG, conf))
        if isinstance(run, ServiceError):
            banners.service_error(run)
            return
        st.session_state[REQUEST] = RollbackRequest(to, production, run)
        st.rerun()


@st.fragment(run_every="2s")
def _follow() -> None:
    request: RollbackRequest = st.session_state[REQUEST]
    run = result_or_error(lambda: services.airflow().run(DAG, request.run.dag_run_id))
    if isinstance(run, ServiceError):
        banners.service_error(run)
    elif run.is_finished:
        st.session_state[REQUEST] = replace(request, run=run)
        refresh()
        st.rerun()
    elif run.state == "queued":
        st.info(_("Rolling back to version {version}: waiting in Airflow.").format(version=request.to))
    else:
        st.info(_("Rolling back to version {version}: in progress.").format(version=request.to))
    _run_link(request)


def _outcome(request: RollbackRequest) -> None:
    if request.run.state == SUCCESS:
        text = _("Production is version {to} again, and version {withdrawn} is withdrawn.")
        st.success(text.format(to=request.to, withdrawn=request.withdrawn), icon=":material/check_circle:")
    else:
        text = _("The rollback to version {version} failed: the last line of the task's log gives the reason.")
        st.error(text.format(version=request.to), icon=":material/error:")
    _run_link(request)
    st.button(
        _("Dismiss"),
        icon=":material/close:",
        type="tertiary",
        on_click=lambda: st.session_state.pop(REQUEST, None),
        key="roll-back-dismiss",
    )


def _run_link(request: RollbackRequest) -> None:
    airflow = services.settings().airflow_public_url.rstrip("/")
    url = f"{airflow}/dags/{DAG}/runs/{quote(request.run.dag_run_id, safe='')}"
    st.link_button(_("The run in Airflow"), url, icon=":material/account_tree:")
