"""Choosing a version."""

import streamlit as st

from ml.core.names import CHALLENGER, PRODUCTION
from ui.clients.api_models import SYNTHETIC
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _
from ui.i18n.wording import escape
from ui.model import verdict
from ui.model.registry_snapshot import RegistrySnapshot


def version(shelf: RegistrySnapshot, label: str, key: str, preferred: RegisteredVersion) -> RegisteredVersion:
    """Draw the choice among all versions; one that is gone meanwhile gives way to the preferred one."""
    numbers = [one.version for one in shelf.versions]
    chosen = st.selectbox(
        label,
        numbers,
        index=numbers.index(preferred.version),
        format_func=lambda number: described(shelf, number),
        key=key,
    )
    return shelf.version(chosen) or preferred


def described(shelf: RegistrySnapshot, number: str) -> str:
    """A version in a list: its number, its algorithm, what points to it, and what speaks against it."""
    found = shelf.version(number)
    if found is None:
        return number
    notes = [escape(found.tag("algorithm") or ""), *roles(shelf, number)]
    if found.tag("data_source") == SYNTHETIC:
        notes.append(_("synthetic data"))
    if found.tag(verdict.ROLLED_BACK):
        notes.append(_("withdrawn"))
    return _("{version} ({notes})").format(version=number, notes=", ".join(note for note in notes if note))


def roles(shelf: RegistrySnapshot, number: str) -> list[str]:
    """What points to a version, in words."""
    words = {PRODUCTION: _("production"), CHALLENGER: _("challenger")}
    return [words.get(role) or escape(role) for role in shelf.roles(number)]
