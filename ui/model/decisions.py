"""The gate ledger, as the tags of the versions tell it: one line for each version, the newest first."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from ui.clients.mlflow import MAX_VERSIONS, RegisteredVersion
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import escape
from ui.model import verdict
from ui.model.choice import roles
from ui.model.registry_snapshot import RegistrySnapshot

AT_FIRST: Final = 20


def draw(shelf: RegistrySnapshot) -> None:
    """Every version with what was decided of it."""
    st.header(_("Decisions of the gate"))
    rows = shelf.versions
    if len(rows) > AT_FIRST:
        everything = counted("Show all {number} version", "Show all {number} versions", len(rows))
        rows = rows if st.toggle(everything, key="all-versions") else rows[:AT_FIRST]
    with st.container(key="as-the-service-says-ledger"):  # the gate's reasons are in English
        st.table(_table(shelf, rows), border="horizontal", hide_index=True, alt=_("Every version with its decision"))
    if len(shelf.versions) == MAX_VERSIONS:
        st.markdown(_("Only the newest {number} are listed.").format(number=decimal(MAX_VERSIONS, 0)))
    text = _("Who decided, with all figures, is in the ledger of the database: `python -m ml ledger`.")
    st.markdown(f":small[{text}]")


def _table(shelf: RegistrySnapshot, rows: Sequence[RegisteredVersion]) -> dict[str, list[str]]:
    return {
        _("Version"): [_named(shelf, one.version) for one in rows],
        _("Algorithm"): [escape(one.tag("algorithm") or "") for one in rows],
        _("Decision"): [verdict.decision(one) for one in rows],
        _("Rule that settled it"): [verdict.rule(one) for one in rows],
        _("Reason"): [verdict.reason(one) for one in rows],
        _("Decided"): [verdict.decided(one) for one in rows],
        _("Took the place of"): [verdict.replaced(one) for one in rows],
    }


def _named(shelf: RegistrySnapshot, number: str) -> str:
    known = ", ".join(roles(shelf, number))
    return f"**{number}** ({known})" if known else number
