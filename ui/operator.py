"""The operator key: who knows it may start DAGs and roll a model back, for as long as the session lasts."""

import hmac
from typing import Final

import streamlit as st

from ui.i18n.language import _
from ui.services import settings

_UNLOCKED: Final = "operator-unlocked"
_REFUSED: Final = "operator-refused"


def unlocked() -> bool:
    """Whether this session has entered the operator key."""
    return _is_configured() and bool(st.session_state.get(_UNLOCKED))


def ask(key: str) -> bool:
    """Draw what lets a person enter the operator key, or take it back; returns whether it has been entered.

    Args:
        key: begins the keys of the widgets, so that several pages can ask.
    """
    if not _is_configured():
        text = _(
            "Starting pipelines and rolling back from here are switched off: set OPERATOR_KEY to a secret of your "
            "choice and AIRFLOW_PASSWORD to the password of Airflow, and start the interface again."
        )
        st.info(text, icon=":material/lock:")
    elif unlocked():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(_("Operator key accepted"), icon=":material/lock_open:", color="green")
            st.button(_("Lock again"), icon=":material/lock:", on_click=_lock, key=f"{key}-lock", type="tertiary")
    else:
        _field(key)
    return unlocked()


def is_right(given: str, expected: str) -> bool:
    """Whether a key is the right one; how long that takes tells nothing of it. An empty one is never right."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _field(key: str) -> None:
    field = f"{key}-key"
    with st.form(f"{key}-form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(_("Operator key"), type="password", key=field, autocomplete="off", width=320)
        st.form_submit_button(_("Unlock"), icon=":material/key:", on_click=_enter, args=(field,), key=f"{key}-unlock")
    if st.session_state.pop(_REFUSED, False):
        st.error(_("That is not the operator key."), icon=":material/key_off:")


def _enter(field: str) -> None:
    """Check what was entered, and keep none of it (a callback)."""
    right = is_right(st.session_state.get(field, ""), settings().operator_key.get_secret_value())
    st.session_state[_UNLOCKED], st.session_state[_REFUSED] = right, not right
    st.session_state[field] = ""


def _lock() -> None:
    st.session_state[_UNLOCKED] = False


def _is_configured() -> bool:
    return bool(settings().operator_key.get_secret_value())
