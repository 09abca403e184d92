"""Select box for a version, and short descriptions of versions."""

import streamlit as st

from ml.core.names import CHALLENGER, PRODUCTION
from ui.address import choices
from ui.clients.api_models import SYNTHETIC
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.i18n.wording import escape
from ui.model.gate_decision import ROLLED_BACK
from ui.model.registry_snapshot import RegistrySnapshot


def select_version(snapshot: RegistrySnapshot, label: str, key: str, preferred: RegisteredVersion) -> RegisteredVersion:
    """Draw the select box; the preferred version replaces a selected one that no longer exists."""
    numbers = [one.version for one in snapshot.versions]
    choices.preset(key, preferred.version, numbers)
    # Labels are computed here: Streamlit calls format_func outside of the session, without its language.
    labels = {number: describe(snapshot, number) for number in numbers}
    selected = st.selectbox(
        label,
        numbers,
        format_func=labels.__getitem__,
        key=key,
        persist_state="session",
    )
    return snapshot.version(selected) or preferred


def describe(snapshot: RegistrySnapshot, number: str) -> str:
    """A version's number with its algorithm, its roles and what speaks against it."""
    version = snapshot.version(number)
    if version is None:
        return number
    notes = [escape(version.tag("algorithm") or ""), *roles(snapshot, number)]
    if version.tag("data_source") == SYNTHETIC:
        notes.append(_("synthetic data"))
    if version.tag(ROLLED_BACK):
        notes.append(_("withdrawn"))
    return _("{version} ({notes})").format(version=number, notes=", ".join(note for note in notes if note))


def roles(snapshot: RegistrySnapshot, number: str) -> list[str]:
    """The aliases of a version in the language of the page."""
    names = {PRODUCTION: _("production"), CHALLENGER: _("challenger")}
    return [names.get(alias) or escape(alias) for alias in snapshot.aliases_of(number)]
