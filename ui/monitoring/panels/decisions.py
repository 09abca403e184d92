"""Decisions panel: the newest entries of the ledger, which says who decided what about the version in production."""

from typing import Final

import streamlit as st

from ui.clients.errors import ServiceError
from ui.i18n.language import _, format_utc
from ui.i18n.messages import message
from ui.i18n.wording import escape
from ui.monitoring.panels.panel import draw_error
from ui.monitoring.snapshot import Snapshot

MOST: Final = 10


def draw(snapshot: Snapshot) -> None:
    """A table of the newest decisions."""
    st.subheader(_("Decisions about the version in production"))
    results = snapshot.results
    if isinstance(results, ServiceError):
        draw_error(results)
        return
    if not results.decisions:
        st.info(_("No decision yet: the gate decides after each training."), icon=":material/hourglass_empty:")
        return
    actions = {
        "promoted": _("promoted"),
        "refused": _("refused"),
        "rolled_back": _("rolled back"),
        "alias_moved_by_hand": _("alias moved by hand"),
    }
    newest = results.decisions[:MOST]
    table = {
        _("Decided"): [format_utc(one.decided_at) for one in newest],
        _("Version"): [escape(one.version or "–") for one in newest],
        _("Decision"): [actions.get(one.action, escape(one.action)) for one in newest],
        _("Reason"): [escape(message(one.reason)) for one in newest],
    }
    st.table(table, border="horizontal", hide_index=True, alt=_("The newest decisions, with their reasons"))
    st.markdown(f":small[{_('Source: the ledger in the database.')}]")
