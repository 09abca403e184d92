"""Going back to another version: with the operator key, after a confirmation, by a DAG whose run is followed."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import streamlit as st

from ui import banners, operator, services
from ui.clients.airflow import SUCCESS, DagRun
from ui.clients.errors import ServiceError, result_or_error
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.model import verdict
from ui.model.choice import described
from ui.model.registry_snapshot import RegistrySnapshot, look_again

DAG: Final = "roll_back_model"
ACTOR: Final = "an operator, in the interface"
"""Who asks, for the ledger: the key tells no persons apart."""
MOST_CHARACTERS: Final = 500
"""Of a reason, as the DAG takes it."""
_ASKED: Final = "roll-back-asked"


@dataclass(frozen=True, slots=True)
class Asked:
    """A rollback that was asked for in this session."""

    to: str
    withdrawn: str
    run: DagRun


def draw(shelf: RegistrySnapshot) -> None:
    """The way back, or why there is none."""
    st.header(_("Roll back"))
    st.markdown(
        _(
            "Production points to another version again, in one write, and the API follows within 15 seconds. The "
            "version that is withdrawn keeps its record, and the gate does not promote it again by itself."
        )
    )
    if asked := st.session_state.get(_ASKED):
        _outcome(asked)
    if not operator.key_form("roll-back"):
        return
    production = shelf.production
    if production is None:
        st.info(_("No version is in production, so there is nothing to go back from."))
        return
    others = [one.version for one in shelf.versions if one.version != production.version]
    if not others:
        st.info(_("There is no other version to go back to."))
        return
    former = before(shelf, production)
    to = st.selectbox(
        _("Version to go back to"),
        others,
        index=others.index(former) if former else None,
        format_func=lambda number: described(shelf, number),
        placeholder=_("Choose a version"),
        key="roll-back-to",
    )
    under_way = asked is not None and not asked.run.is_finished
    label, icon = _("Roll back…"), ":material/history:"
    if st.button(label, type="primary", icon=icon, disabled=to is None or under_way, key="roll-back") and to:
        # The title is in the language of this moment, so the dialog is made in it.
        st.dialog(_("Roll production back?"), icon=icon)(confirm)(production.version, to)


def before(shelf: RegistrySnapshot, production: RegisteredVersion) -> str | None:
    """The version that production replaced, or that one in turn where it was withdrawn; by the tags."""
    seen, number = {production.version}, production.tag(verdict.REPLACED)
    while number and number not in seen:
        seen.add(number)
        if (found := shelf.version(number)) is None:
            return None
        if found.tag(verdict.ROLLED_BACK) is None:
            return number
        number = found.tag(verdict.REPLACED)
    return None


def confirm(production: str, to: str) -> None:
    """The last question. Nothing happens until the number has been typed."""
    text = _("Production goes from version **{present}** to version **{to}**. Every prediction changes with it.")
    st.markdown(text.format(present=production, to=to))
    reason = st.text_input(_("Reason, for the ledger"), max_chars=MOST_CHARACTERS, key="roll-back-reason")
    typed = st.text_input(_("Type {version} to confirm").format(version=to), key="roll-back-typed", autocomplete="off")
    if not st.button(_("Roll back to version {version}").format(version=to), type="primary", key="roll-back-now"):
        return
    if typed.strip() != to:
        st.error(_("The number differs: type {version}.").format(version=to), icon=":material/edit_note:")
    elif not operator.is_unlocked():
        st.error(_("The operator key is locked again: enter it first."), icon=":material/lock:")
    else:
        conf = {"to": to, "actor": ACTOR, "reason": reason.strip()}
        with st.spinner(_("Asking Airflow…")):
            run = result_or_error(lambda: services.airflow().trigger(DAG, conf))
        if isinstance(run, ServiceError):
            banners.service_error(run)
            return
        st.session_state[_ASKED] = Asked(to, production, run)
        st.rerun()


def _outcome(asked: Asked) -> None:
    """How far it got: followed while it is under way, told when it has ended."""
    if asked.run.is_finished:
        _told(asked)
    else:
        _follow()


@st.fragment(run_every="2s")
def _follow() -> None:
    """Ask Airflow every two seconds, and draw the page anew at the end."""
    asked: Asked = st.session_state[_ASKED]
    run = result_or_error(lambda: services.airflow().run(DAG, asked.run.dag_run_id))
    if isinstance(run, ServiceError):
        banners.service_error(run)
    elif run.is_finished:
        st.session_state[_ASKED] = Asked(asked.to, asked.withdrawn, run)
        look_again()
        st.rerun()
    elif run.state == "queued":
        st.info(_("Rolling back to version {version}: waiting in Airflow.").format(version=asked.to))
    else:
        st.info(_("Rolling back to version {version}: under way.").format(version=asked.to))
    _link(asked)


def _told(asked: Asked) -> None:
    if asked.run.state == SUCCESS:
        text = _("Production is version {to} again, and version {withdrawn} is withdrawn.")
        st.success(text.format(to=asked.to, withdrawn=asked.withdrawn), icon=":material/check_circle:")
    else:
        text = _("The rollback to version {version} was not carried out: the last line of the task's log says why.")
        st.error(text.format(version=asked.to), icon=":material/error:")
    _link(asked)
    st.button(_("Dismiss"), icon=":material/close:", type="tertiary", on_click=_forget, key="roll-back-dismiss")


def _link(asked: Asked) -> None:
    public = services.settings().airflow_public_url.rstrip("/")
    url = f"{public}/dags/{DAG}/runs/{quote(asked.run.dag_run_id, safe='')}"
    st.link_button(_("The run in Airflow"), url, icon=":material/account_tree:")


def _forget() -> None:
    st.session_state.pop(_ASKED, None)
