"""The form: one input per feature, drawn from the schema, and the record made of what was filled in."""

from collections.abc import Mapping
from typing import Final, Literal

import streamlit as st

from ml.schema import BY_NAME, FEATURES, PATIENT_ID, UNKNOWN, Column, Group, Kind
from ui.i18n.language import _
from ui.i18n.wording import label_of, text_of, unknown
from ui.predict import diagnoses

FIRST: Final = ("race", "gender", "age")
"""What is asked first; everything else stands behind it, by group."""
ASKED: Final = (*FEATURES, BY_NAME[PATIENT_ID])
"""All that the form asks: the features, and whose they are."""

Value = str | int
Keep = Literal["session"] | None

_FILLED: Final = "fields-were-filled"
_LARGEST: Final = 2**53 - 1
"""A browser cannot tell whole numbers apart beyond this."""


def key_of(name: str) -> str:
    """Key of a field's widget in the form."""
    return f"field-{name}"


def further_groups() -> dict[Group, list[Column]]:
    """The fields behind the first ones, by group, in the order of a stay; whose they are comes last."""
    groups = sorted(Group, key=lambda group: group is Group.IDENTITY)
    behind = {group: [one for one in ASKED if one.group is group and one.name not in FIRST] for group in groups}
    return {group: columns for group, columns in behind.items() if columns}


def draw(column: Column, key: str, keep: Keep = None) -> None:
    """The input of one field; with ``keep`` what is entered survives a visit to another page."""
    match column.kind:
        case Kind.CATEGORY | Kind.CODE:
            # Named now, in the language of this session: what asks for a name later may do so outside of it.
            names = {value: text_of(column, value) for value in (UNKNOWN, *column.allowed)}
            st.selectbox(
                label_of(column),
                tuple(names),
                format_func=names.__getitem__,
                key=key,
                persist_state=keep,
            )
        case Kind.ICD9:
            _diagnosis(column, key, keep)
        case _:
            is_patient = column.kind is Kind.IDENTIFIER
            st.number_input(
                _("Patient number") if is_patient else label_of(column),
                min_value=column.low,
                max_value=min(column.high or _LARGEST, _LARGEST),
                value=None,
                step=1,
                placeholder=unknown(),
                help=_("With it, the stays that the database knows of this patient count too.") if is_patient else None,
                key=key,
                persist_state=keep,
            )


def _diagnosis(column: Column, key: str, keep: Keep) -> None:
    given = st.session_state.get(key)
    if given is not None and (code := diagnoses.code_of(given)) != given:
        st.session_state[key] = given = code
    names = {code: diagnoses.label(code) for code in diagnoses.choices(given)}
    st.selectbox(
        label_of(column),
        tuple(names),
        index=None,
        # What is typed has to stay what it is until it is read, so it gets no name before.
        format_func=lambda code: names.get(code, code),
        placeholder=unknown(),
        help=_("Search by name or code. A code that is not in the list can be typed in."),
        accept_new_options=True,
        filter_mode="contains",
        key=key,
        persist_state=keep,
    )


def text(column: Column, value: Value) -> str:
    """What a person reads for a value, diagnoses with their names."""
    if column.kind is Kind.ICD9 and value != UNKNOWN:
        return diagnoses.label(str(value))
    return text_of(column, value)


def empty(column: Column) -> Value | None:
    """What stands in the widget of a field that is not known."""
    return UNKNOWN if column.kind in (Kind.CATEGORY, Kind.CODE) else None


def entered(column: Column, key: str) -> Value | None:
    """What a widget says, as the API wants it; None is unknown."""
    value: Value | None = st.session_state.get(key)
    if column.kind is Kind.ICD9 and value is not None:
        value = diagnoses.code_of(str(value))
    return None if value in (None, "", UNKNOWN) else value


def record() -> dict[str, Value]:
    """What is known, as the API wants it: an unknown field is absent."""
    given = ((column.name, entered(column, key_of(column.name))) for column in ASKED)
    return {name: value for name, value in given if value is not None}


def fill(known: Mapping[str, Value]) -> None:
    """Fill in a record; a field that it does not hold becomes unknown (a callback)."""
    st.session_state[_FILLED] = True
    for column in ASKED:
        st.session_state[key_of(column.name)] = known.get(column.name, empty(column))


def were_filled() -> bool:
    """Whether the values come from here and not from the browser, which has yet to get them; true once for each."""
    return bool(st.session_state.pop(_FILLED, False))


def keep() -> None:
    """Take over what was last predicted for into a form with other names for the same values (a callback)."""
    st.session_state[_FILLED] = True
    for column in ASKED:
        if (key := key_of(column.name)) in st.session_state:
            st.session_state[key] = st.session_state[key]
