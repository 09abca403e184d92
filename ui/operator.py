"""Operator key: unlocks starting DAGs and rolling back for the rest of the session."""

import hmac
from typing import Final

import streamlit as st

from ui.i18n.language import _
from ui.services import settings

_UNLOCKED: Final = "operator-unlocked"
_WRONG_KEY: Final = "operator-wrong-key"


def is_unlocked() -> bool:
    """Whether this session has entered the operator key."""
    return bool(_expected_key() and st.session_state.get(_UNLOCKED))


def key_form(prefix: str) -> bool:
    """Draw the form for the key, or the button that locks again; return whether the session is unlocked.

    ``prefix`` begins the keys of the widgets, and differs between pages.
    """
    if not _expected_key():
        text = _(
            "Starting pipelines and rolling back are disabled here: set OPERATOR_KEY to a secret of your choice, then "
            "restart the interface."
        )
        st.info(text, icon=":material/lock:")
    elif is_unlocked():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(_("Operator key accepted"), icon=":material/lock_open:", color="green")
            st.button(_("Lock again"), icon=":material/lock:", on_click=_lock, key=f"{prefix}-lock", type="tertiary")
    else:
        field = f"{prefix}-key"
        with st.form(f"{prefix}-form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(_("Operator key"), type="password", key=field, autocomplete="off", width=320)
            st.form_submit_button(
                _("Unlock"), icon=":material/key:", on_click=_submit, args=(field,), key=f"{prefix}-unlock"
            )
        if st.session_state.pop(_WRONG_KEY, False):
            st.error(_("That is not the operator key."), icon=":material/key_off:")
    return is_unlocked()


def is_valid_key(key: str, expected: str) -> bool:
    """Compare two keys in constant time; an empty one is never valid."""
    return bool(expected) and hmac.compare_digest(key.encode(), expected.encode())


def _submit(field: str) -> None:
    valid = is_valid_key(st.session_state.get(field, ""), _expected_key())
    st.session_state[_UNLOCKED], st.session_state[_WRONG_KEY] = valid, not valid
    st.session_state[field] = ""  # the session does not keep the key


def _lock() -> None:
    st.session_state[_UNLOCKED] = False


def _expected_key() -> str:
    return settings().operator_key.get_secret_value()
