"""The form: one widget per input of the schema, and the record of the entered values."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import streamlit as st

from ml.schema import BY_NAME, FEATURES, HISTORY_NAMES, INPUTS, PATIENT_ID, UNKNOWN, Column, Group, Kind
from ml.schema.code_systems import CodeSystem
from ui.i18n.language import _
from ui.i18n.wording import label_of, value_label
from ui.predict import medications
from ui.predict.diagnosis import box, search
from ui.predict.diagnosis.names import label as label_of_diagnosis

FIRST: Final = ("race", "gender", "age")
"""Fields above the groups."""
COLUMNS: Final = (*(one for one in FEATURES if one.name not in medications.ALL), BY_NAME[PATIENT_ID])
"""Columns with a widget of their own: the features but for the medications, and the patient."""
CODE_SYSTEM: Final = "code-system"
"""Key of the choice of the code system."""

CAPPED: Final = frozenset({"time_in_hospital"})
"""Counts that are often higher than in the data, which hold no stay of more than 14 days."""

_ORDER: Final = (*(column.name for column in FEATURES), PATIENT_ID)
MOST_DAYS: Final = 999
"""The longest stay that an address may hold."""
INPUT_BY_NAME: Final = {column.name: column for column in INPUTS}
EARLIER_STAYS: Final = HISTORY_NAMES[0]
"""Stands for the patient's history as a whole."""

Value = str | int


class Entries(NamedTuple):
    """A record, and the code system of its diagnoses."""

    record: Mapping[str, Value]
    system: CodeSystem = CodeSystem.ICD9


Persistence = Literal["session"] | None

_FILLED: Final = "fields-were-filled"


def key_of(name: str) -> str:
    """Key of the widget of a field."""
    return f"field-{name}"


def further_groups() -> dict[Group, list[Column]]:
    """The fields other than ``FIRST`` by group, in the order of a stay; the patient comes last."""
    groups = sorted(Group, key=lambda group: group is Group.IDENTITY)
    columns = {group: [one for one in COLUMNS if one.group is group and one.name not in FIRST] for group in groups}
    return {group: members for group, members in columns.items() if members}


def group_key(group: Group) -> str:
    """Key of the expander of a group; its value in the session is whether it is open."""
    return f"group-{group}"


def filled_in() -> str:
    """How many fields of each group are filled in, as a sentence; groups without any are left out."""
    counts, known = [], record()
    for group in further_groups():
        of_group = [name for name in _ORDER if BY_NAME[name].group is group and name not in FIRST]
        if filled := sum(name in known for name in of_group):
            counts.append(_("{group} {filled} of {all}").format(group=_(group), filled=filled, all=len(of_group)))
    return _("Filled in: {groups}.").format(groups=", ".join(counts)) if counts else ""


def open_groups(names: Collection[str | None]) -> None:
    """Open the groups of these fields (before they are drawn)."""
    for group, columns in further_groups().items():
        is_listed = group is Group.MEDICATIONS and not medications.ALL.keys().isdisjoint(names)
        if is_listed or any(column.name in names for column in columns):
            st.session_state[group_key(group)] = True


def draw_group(group: Group, columns: Sequence[Column]) -> None:
    """Draw the widgets of a group of the form."""
    if group is Group.DIAGNOSES:
        st.session_state.setdefault(CODE_SYSTEM, CodeSystem.ICD9)
        st.segmented_control(
            _("Code system"),
            list(CodeSystem),
            format_func={one: box.system_name(one) for one in CodeSystem}.__getitem__,
            required=True,
            help=_("Codes in ICD-10-CM are converted to ICD-9-CM, the code system of the data."),
            key=CODE_SYSTEM,
            persist_state="session",
        )
    elif group is Group.MEDICATIONS:
        medications.draw()
    places = st.columns(2)
    for position, column in enumerate(columns):
        with places[position % 2]:
            draw(column, key_of(column.name), code_system(), persist="session")


def code_system() -> CodeSystem:
    """The chosen code system of the diagnoses."""
    return CodeSystem(st.session_state.get(CODE_SYSTEM) or CodeSystem.ICD9)


def draw(column: Column, key: str, system: CodeSystem = CodeSystem.ICD9, persist: Persistence = None) -> None:
    """Draw the widget of a field; with ``persist`` its value survives a visit to another page."""
    match column.kind:
        case Kind.CATEGORY | Kind.CODE:
            # Labels are computed here: Streamlit calls format_func outside of the session, without its language.
            labels = {value: value_label(column, value) for value in (UNKNOWN, *column.allowed)}
            st.selectbox(
                label_of(column), tuple(labels), format_func=labels.__getitem__, key=key, persist_state=persist
            )
        case Kind.ICD9:
            box.draw(column, key, system, persist)
        case Kind.IDENTIFIER:
            st.text_input(
                _("Patient"),
                value=None,
                placeholder=_("Unknown"),
                help=_(
                    "Number or text. With it, the model also uses the patient's earlier stays in the database. "
                    "It never becomes part of the address of this page."
                ),
                key=key,
                persist_state=persist,
            )
        case _:
            # Without limits: the browser keeps a number outside of them to itself, and the old value would be scored.
            st.number_input(
                label_of(column), value=None, step=1, placeholder=_("Unknown"), key=key, persist_state=persist
            )


def input_label(name: str) -> str:
    """The label of an input of the model."""
    if name == EARLIER_STAYS:
        return _("Earlier stays of the patient")
    return label_of(INPUT_BY_NAME[name]) if name in INPUT_BY_NAME else name


def value_text(column: Column, value: Value, system: CodeSystem = CodeSystem.ICD9) -> str:
    """The label of a value; diagnoses have their names."""
    if column.kind is Kind.ICD9 and value != UNKNOWN:
        return label_of_diagnosis(str(value), system)
    return value_label(column, value)


def empty_value(column: Column) -> Value | None:
    """Value of the widget of an unknown field."""
    return UNKNOWN if column.kind in (Kind.CATEGORY, Kind.CODE) else None


def value_of(column: Column, key: str, system: CodeSystem = CodeSystem.ICD9) -> Value | None:
    """The value of a widget as the API expects it, the highest allowed one for a longer stay; None if unknown."""
    if excess(column, key) is not None:
        return column.high
    value: Value | None = st.session_state.get(key)
    if isinstance(value, str):
        value = value.strip()
    if column.kind is Kind.ICD9 and value:
        value = search.code_of(str(value), system)
    elif column.kind is Kind.IDENTIFIER and column.accepts(value):
        value = column.canonical(value)
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


def entries() -> Entries:
    """What is entered, as it is sent."""
    return Entries(record(), code_system())


def record() -> dict[str, Value]:
    """The entered record; unknown fields are absent. Its diagnoses are in :func:`code_system`."""
    system = code_system()
    known = {column.name: value_of(column, key_of(column.name), system) for column in COLUMNS} | medications.values()
    return {name: value for name in _ORDER if (value := known.get(name)) is not None}


def fill(values: Mapping[str, Value], system: CodeSystem = CodeSystem.ICD9) -> None:
    """Fill in a record; absent fields become unknown (for callbacks, and before the form is drawn)."""
    st.session_state[_FILLED] = True
    st.session_state[CODE_SYSTEM] = system
    for column in COLUMNS:
        st.session_state[key_of(column.name)] = values.get(column.name, empty_value(column))
    medications.fill(values)


def pop_filled() -> bool:
    """Whether the server has set values that the browser does not have yet; resets the flag."""
    return bool(st.session_state.pop(_FILLED, False))


def preserve() -> None:
    """Keep the values when the labels of the widgets change (for callbacks)."""
    st.session_state[_FILLED] = True
    for key in (CODE_SYSTEM, *(key_of(column.name) for column in COLUMNS), *medications.keys()):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
