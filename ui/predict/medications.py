"""The diabetes medications: a list to choose from, a dose for each chosen one, and a switch for all others.

Medications that nobody in the data takes are not offered; the switch says of them too that they are not prescribed.
"""

from collections.abc import Mapping
from typing import Final

import streamlit as st

from ml.schema import FEATURES, Column
from ml.schema.codes import DOSE
from ml.schema.marginals import CONSTANT, MARGINALS
from ui.i18n.language import _
from ui.i18n.wording import label_of, value_label

NOT_PRESCRIBED: Final = "No"
DOSES: Final = (*(dose for dose in DOSE if dose != NOT_PRESCRIBED), NOT_PRESCRIBED)
ALL: Final = {column.name: column for column in FEATURES if column.texts is DOSE}

CHOSEN: Final = "medications"
OTHERS: Final = "medications-others"
"""Keys of the list and of the switch."""


def _prescribed(column: Column) -> int:
    """How many encounters of the data have a prescription of it."""
    return sum(count for dose, count in MARGINALS[column.name].items() if dose != NOT_PRESCRIBED)


OFFERED: Final = tuple(
    column.name for column in sorted(ALL.values(), key=_prescribed, reverse=True) if column.name not in CONSTANT
)
"""The most frequent first."""


def dose_key(name: str) -> str:
    """Key of the dose of a medication."""
    return f"dose-{name}"


def draw() -> None:
    """Draw the list, the doses and the switch."""
    # Labels are computed here: Streamlit calls format_func outside of the session, without its language.
    labels = {name: label_of(ALL[name]) for name in OFFERED}
    chosen = st.multiselect(
        _("Diabetes medications"),
        OFFERED,
        format_func=labels.__getitem__,
        placeholder=_("Choose medications"),
        select_all=False,
        key=CHOSEN,
        persist_state="session",
    )
    doses = {dose: value_label(ALL[OFFERED[0]], dose) for dose in DOSES}
    places = st.columns(2)
    for position, name in enumerate(chosen):
        with places[position % 2]:
            st.selectbox(
                labels[name], DOSES, format_func=doses.__getitem__, key=dose_key(name), persist_state="session"
            )
    st.toggle(
        _("All others are not prescribed"),
        key=OTHERS,
        help=_("Off: the medications that are not chosen are unknown."),
        persist_state="session",
    )


def values() -> dict[str, str]:
    """The dose of each medication of which it is known."""
    chosen = st.session_state.get(CHOSEN) or ()
    others = dict.fromkeys(ALL, NOT_PRESCRIBED) if st.session_state.get(OTHERS) else {}
    doses = {name: str(st.session_state.get(dose_key(name)) or DOSES[0]) for name in chosen}
    return {name: dose for name in ALL if (dose := doses.get(name) or others.get(name))}


def fill(record: Mapping[str, str | int]) -> None:
    """Fill in the medications of a record (for callbacks)."""
    prescribed = [name for name in OFFERED if record.get(name, NOT_PRESCRIBED) != NOT_PRESCRIBED]
    others = all(record.get(name) == NOT_PRESCRIBED for name in OFFERED if name not in prescribed)
    chosen = prescribed if others else [name for name in OFFERED if name in record]
    st.session_state[CHOSEN], st.session_state[OTHERS] = chosen, others
    for name in chosen:
        st.session_state[dose_key(name)] = record[name]


def keys() -> list[str]:
    """Keys of all widgets."""
    return [CHOSEN, OTHERS, *map(dose_key, OFFERED)]
