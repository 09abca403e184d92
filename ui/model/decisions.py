"""Table of the gate's decisions on all versions, newest first."""

from typing import Final

import streamlit as st

from ui.clients.mlflow import MAX_VERSIONS
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import escape
from ui.model import gate_decision
from ui.model.registry_snapshot import RegistrySnapshot
from ui.model.version_select import roles

INITIAL_ROWS: Final = 20


def draw(snapshot: RegistrySnapshot) -> None:
    """The newest versions, or all of them on request."""
    st.header(_("Decisions of the gate"))
    versions = snapshot.versions
    if len(versions) > INITIAL_ROWS:
        label = counted("Show all {number} version", "Show all {number} versions", len(versions))
        versions = (
            versions if st.toggle(label, key="all-versions", persist_state="session") else versions[:INITIAL_ROWS]
        )
    rows = []
    for one in versions:
        aliases = ", ".join(roles(snapshot, one.version))
        row = {_("Version"): f"**{one.version}** ({aliases})" if aliases else one.version}
        row |= {_("Algorithm"): escape(one.tag("algorithm") or "")} | gate_decision.facts(one)
        rows.append(row | {_("Reason"): gate_decision.reason(one)})
    table = {name: [row[name] for row in rows] for name in rows[0]}
    st.table(table, border="horizontal", hide_index=True, alt=_("Every version with its decision"))
    if len(snapshot.versions) == MAX_VERSIONS:
        st.markdown(_("Only the newest {number} are listed.").format(number=decimal(MAX_VERSIONS, 0)))
    text = _("The ledger in the database records who decided, with all metrics: `python -m ml ledger`.")
    st.markdown(f":small[{text}]")
