"""The form: one widget per input of the schema, and the record of the entered values."""

from collections.abc import Collection, Mapping
from typing import Final, Literal

import streamlit as st

from ml.schema import BY_NAME, FEATURES, HISTORY_NAMES, INPUTS, PATIENT_ID, UNKNOWN, Column, Group, Kind
from ui.i18n.language import _
from ui.i18n.wording import label_of, value_label
from ui.predict import diagnoses

FIRST: Final = ("race", "gender", "age")
"""Fields above the groups."""
COLUMNS: Final = (*FEATURES, BY_NAME[PATIENT_ID])
"""Columns with a widget: the features and the patient number."""

CAPPED: Final = frozenset({"time_in_hospital"})
"""Counts that are often higher than in the data, which hold no stay of more than 14 days."""

INPUT_BY_NAME: Final = {column.name: column for column in INPUTS}
EARLIER_STAYS: Final = HISTORY_NAMES[0]
"""Stands for the patient's history as a whole."""

Value = str | int
Persistence = Literal["session"] | None

_FILLED: Final = "fields-were-filled"


def key_of(name: str) -> str:
    """Key of the widget of a field."""
    return f"field-{name}"


def further_groups() -> dict[Group, list[Column]]:
    """The fields other than ``FIRST`` by group, in the order of a stay; the patient number comes last."""
    groups = sorted(Group, key=lambda group: group is Group.IDENTITY)
    columns = {group: [one for one in COLUMNS if one.group is group and one.name not in FIRST] for group in groups}
    return {group: members for group, members in columns.items() if members}


def group_key(group: Group) -> str:
    """Key of the expander of a group; its value in the session is whether it is open."""
    return f"group-{group}"


def filled_in() -> str:
    """How many fields of each group are filled in, as a sentence; groups without any are left out."""
    counts = []
    for group, columns in further_groups().items():
        if filled := sum(value_of(column, key_of(column.name)) is not None for column in columns):
            counts.append(_("{group} {filled} of {all}").format(group=_(group), filled=filled, all=len(columns)))
    return _("Filled in: {groups}.").format(groups=", ".join(counts)) if counts else ""


def open_groups(names: Collection[str | None]) -> None:
    """Open the groups of these fields (before they are drawn)."""
    for group, columns in further_groups().items():
        if any(column.name in names for column in columns):
            st.session_state[group_key(group)] = True


def draw(column: Column, key: str, persist: Persistence = None) -> None:
    """Draw the widget of a field; with ``persist`` its value survives a visit to another page."""
    match column.kind:
        case Kind.CATEGORY | Kind.CODE:
            # Labels are computed here: Streamlit calls format_func outside of the session, without its language.
            labels = {value: value_label(column, value) for value in (UNKNOWN, *column.allowed)}
            st.selectbox(
                label_of(column), tuple(labels), format_func=labels.__getitem__, key=key, persist_state=persist
            )
        case Kind.ICD9:
            _draw_diagnosis(column, key, persist)
        case _:
            is_patient = column.kind is Kind.IDENTIFIER
            # Without limits: the browser keeps a number outside of them to itself, and the old value would be scored.
            st.number_input(
                _("Patient number") if is_patient else label_of(column),
                value=None,
                step=1,
                placeholder=_("Unknown"),
                help=_("With it, the model also uses the patient's earlier stays in the database.")
                if is_patient
                else None,
                key=key,
                persist_state=persist,
            )


def _draw_diagnosis(column: Column, key: str, persist: Persistence) -> None:
    entry = st.session_state.get(key)
    if entry is not None and (code := diagnoses.code_of(entry)) != entry:
        st.session_state[key] = entry = code
    labels = {code: diagnoses.label(code) for code in diagnoses.choices(entry)}
    st.selectbox(
        label_of(column),
        tuple(labels),
        index=None,
        # A typed entry keeps its text until it is parsed.
        format_func=lambda code: labels.get(code, code),
        placeholder=_("Unknown"),
        help=_("Search by name or code. A code that is not in the list can be typed in; ICD-10-CM is converted."),
        accept_new_options=True,
        filter_mode="contains",
        key=key,
        persist_state=persist,
    )


def input_label(name: str) -> str:
    """The label of an input of the model."""
    if name == EARLIER_STAYS:
        return _("Earlier stays, by the patient number")
    return label_of(INPUT_BY_NAME[name]) if name in INPUT_BY_NAME else name


def value_text(column: Column, value: Value) -> str:
    """The label of a value; diagnoses have their names."""
    if column.kind is Kind.ICD9 and value != UNKNOWN:
        return diagnoses.label(str(value))
    return value_label(column, value)


def empty_value(column: Column) -> Value | None:
    """Value of the widget of an unknown field."""
    return UNKNOWN if column.kind in (Kind.CATEGORY, Kind.CODE) else None


def value_of(column: Column, key: str) -> Value | None:
    """The value of a widget as the API expects it, the highest allowed one for a longer stay; None if unknown."""
    if excess(column, key) is not None:
        return column.high
    value: Value | None = st.session_state.get(key)
    if column.kind is Kind.ICD9 and value is not None:
        value = diagnoses.code_of(str(value))
    return None if value in (None, "", UNKNOWN) else value


def excess(column: Column, key: str) -> int | None:
    """The entered value of a field in ``CAPPED`` that is above the highest allowed one."""
    value = st.session_state.get(key)
    is_above = column.name in CAPPED and isinstance(value, int) and column.high is not None and value > column.high
    return value if is_above else None


def excesses() -> dict[str, int]:
    """The entered values that :func:`record` has the highest allowed value for."""
    values = ((column.name, excess(column, key_of(column.name))) for column in COLUMNS)
    return {name: value for name, value in values if value is not None}


def excess_text(column: Column, entered: int) -> str:
    """What was done with a value above the highest allowed one."""
    text = _(
        "{label}: {entered} was entered. The model has seen at most {most}, so this is the risk with {most}; "
        "what goes beyond is not taken into account."
    )
    return text.format(label=label_of(column), entered=entered, most=column.high)


def record() -> dict[str, Value]:
    """The entered record; unknown fields are absent."""
    values = ((column.name, value_of(column, key_of(column.name))) for column in COLUMNS)
    return {name: value for name, value in values if value is not None}


def fill(values: Mapping[str, Value]) -> None:
    """Fill in a record; absent fields become unknown (for callbacks)."""
    st.session_state[_FILLED] = True
    for column in COLUMNS:
        st.session_state[key_of(column.name)] = values.get(column.name, empty_value(column))


def pop_filled() -> bool:
    """Whether the server has set values that the browser does not have yet; resets the flag."""
    return bool(st.session_state.pop(_FILLED, False))


def preserve() -> None:
    """Keep the values when the labels of the widgets change (for callbacks)."""
    st.session_state[_FILLED] = True
    for column in COLUMNS:
        if (key := key_of(column.name)) in st.session_state:
            st.session_state[key] = st.session_state[key]
