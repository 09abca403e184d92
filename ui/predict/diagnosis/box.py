"""The box for a diagnosis: what was typed, the code that it is read as, and what it might be if it is none."""

import streamlit as st

from ml.schema import Column, looks_like_icd10
from ml.schema.code_systems import COLUMNS_IN, CodeSystem
from ui.i18n.language import _
from ui.i18n.wording import escape
from ui.predict.diagnosis import names, search


def system_name(system: CodeSystem) -> str:
    """The name of a code system."""
    return _("ICD-9-CM") if system is CodeSystem.ICD9 else _("ICD-10-CM")


def draw(column: Column, key: str, system: CodeSystem, persist: str | None) -> None:
    """Draw the box, and below it the code or the suggestions."""
    entry = st.text_input(
        _(column.label),
        value=None,
        key=key,
        live="400ms",
        placeholder=_("Name or code, such as stroke or {code}").format(code=_example(system)),
        help=_("An everyday word, a part of a name, or a code in {system}, with or without the dot.").format(
            system=system_name(system)
        ),
        persist_state="session" if persist else None,
    )
    if not entry or not entry.strip():
        return
    code = search.code_of(entry, system)
    if COLUMNS_IN[system][column.name].accepts(code):
        st.markdown(f":small[{escape(names.label(code, system))}]")
    else:
        _draw_suggestions(entry, key, system)


def _example(system: CodeSystem) -> str:
    return "428" if system is CodeSystem.ICD9 else "I50.9"


def _draw_suggestions(entry: str, key: str, system: CodeSystem) -> None:
    codes = search.suggestions(entry, system)
    if system is CodeSystem.ICD9 and looks_like_icd10(entry):
        text = _("“{entry}” looks like ICD-10-CM: choose that code system above, or one of these:")
    elif codes:
        text = _("“{entry}” is not a code in {system}. Did you mean:")
    else:
        text = _("“{entry}” is not a code in {system}, and no diagnosis has such a name.")
    st.markdown(f":small[{text.format(entry=escape(entry.strip()), system=system_name(system))}]")
    labels = {code: names.label(code, system) for code in codes}
    if labels:
        pick = f"{key}-suggestions"
        st.pills(
            _("Suggestions"),
            tuple(labels),
            format_func=labels.__getitem__,
            label_visibility="collapsed",
            wrap=True,
            key=pick,
            on_change=_choose,
            args=(key, pick),
        )


def _choose(key: str, pick: str) -> None:
    """Put the chosen code into the box (a callback)."""
    if code := st.session_state.get(pick):
        st.session_state[key] = code
        st.session_state[pick] = None
