"""The form: one input per feature, drawn from the schema, and the record made of what was filled in."""

from typing import Final

import streamlit as st

from ml.schema import BY_NAME, EXAMPLE_RECORD, FEATURES, UNKNOWN, Column, Group, Kind
from ui.wording import expectation, label_of, text_of, unknown

FIRST: Final = ("race", "gender", "age")
"""What is asked first; everything else stands behind it, by group."""


def key_of(name: str) -> str:
    """Key of a feature's widget."""
    return f"field-{name}"


def further_groups() -> dict[Group, list[Column]]:
    """The features behind the first ones, by group, in the order of a stay."""
    groups = {group: [column for column in FEATURES if column.group is group] for group in Group}
    return {
        group: left for group, columns in groups.items() if (left := [one for one in columns if one.name not in FIRST])
    }


def draw(column: Column) -> None:
    """The input of one feature. What is entered survives a visit to another page."""
    key, label = key_of(column.name), label_of(column)
    match column.kind:
        case Kind.CATEGORY | Kind.CODE:
            st.selectbox(
                label,
                (UNKNOWN, *column.allowed),
                format_func=lambda value: text_of(column, value),
                key=key,
                persist_state="session",
            )
        case Kind.COUNT:
            st.number_input(
                label,
                min_value=column.low,
                max_value=column.high,
                value=None,
                step=1,
                placeholder=unknown(),
                key=key,
                persist_state="session",
            )
        case _:
            st.text_input(
                label,
                placeholder=unknown(),
                help=f"{expectation(column)[:1].upper()}{expectation(column)[1:]}.",
                max_chars=8,
                key=key,
                persist_state="session",
            )


def record() -> dict[str, str | int]:
    """What is known, as the API wants it: an unknown field is absent."""
    given = ((name, st.session_state.get(key_of(name))) for name in BY_NAME)
    cleaned = ((name, value.strip() if isinstance(value, str) else value) for name, value in given)
    return {name: value for name, value in cleaned if value not in (None, "", UNKNOWN)}


def fill_example() -> None:
    """Fill in the example patient of the schema (a callback)."""
    for name, value in EXAMPLE_RECORD.items():
        st.session_state[key_of(name)] = value


def clear() -> None:
    """Make every field unknown (a callback)."""
    empty = {Kind.COUNT: None, Kind.ICD9: ""}
    for column in FEATURES:
        st.session_state[key_of(column.name)] = empty.get(column.kind, UNKNOWN)
