"""What is wrong with a file: line, field, value and what is allowed; and what can be done with the rest."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Final

import streamlit as st

from ml.schema import BY_NAME
from ui.batch import tables
from ui.batch.scoring import Scoring
from ui.clients.errors import FieldFault
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import expectation, label_of

SHOWN: Final = 1_000
"""Faults that are shown; all of them are in the download."""


def draw(scoring: Scoring) -> None:
    """The faults, and the choice to go on without the faulty lines."""
    good = len(scoring.table)
    st.error(" ".join(_summary(scoring, good)), icon=":material/edit_note:")
    table(scoring.faults)
    with st.container(horizontal=True):
        st.download_button(
            _("Download the faults"),
            partial(tables.faults, scoring.faults),
            "faults.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="batch-faults",
        )
        if good and not scoring.good_only:
            st.button(
                counted("Take the {number} good line only", "Take the {number} good lines only", good),
                icon=":material/rule:",
                on_click=_go_on,
                args=(scoring,),
                key="batch-good",
            )


def _summary(scoring: Scoring, good: int) -> Iterator[str]:
    """How many lines are at fault, how many are not, and what to do, each in a sentence."""
    faulty = len(scoring.faulty)
    if scoring.is_stopped_by_faults:
        yield counted("{number} line is at fault so far.", "{number} lines are at fault so far.", faulty)
        yield _("The rest was not looked at: correct what these have in common, and start again.")
        return
    yield counted("{number} line is at fault.", "{number} lines are at fault.", faulty)
    if good:
        yield counted("{number} line is without fault.", "{number} lines are without fault.", good)
        yield _("Correct the file and upload it again, or go on without the lines at fault.")
    else:
        yield _("No line is without fault: correct the file and upload it again.")


def table(faults: Sequence[FieldFault]) -> None:
    """The first faults, as a table."""
    first = faults[:SHOWN]
    st.dataframe(
        {
            _("Line"): [fault.line for fault in first],
            _("Field"): [_field(fault) for fault in first],
            _("Value"): ["" if fault.value is None else str(fault.value) for fault in first],
            _("Allowed"): [_allowed(fault) for fault in first],
        },
        hide_index=True,
        alt=_("What is wrong with the file: line, field, value and what is allowed"),
    )
    if len(faults) > SHOWN:
        text = _("The first {shown} of {all} faults; the download has all.")
        st.markdown(f":small[{text.format(shown=decimal(SHOWN, 0), all=decimal(len(faults), 0))}]")


def _field(fault: FieldFault) -> str:
    column = BY_NAME.get(fault.field or "")
    return f"{label_of(column)} · {column.name}" if column else fault.field or ""


def _allowed(fault: FieldFault) -> str:
    """What the schema allows; where the fault is not about a value, what is wrong."""
    column = BY_NAME.get(fault.field or "")
    if column and fault.line != 1:
        return _("{expectation}, or empty for unknown").format(expectation=expectation(column))
    if column:
        return _("a name that stands there once")
    if fault.field is None:
        return fault.message
    if any(mark in fault.field for mark in ";\t|"):
        return _("names separated by commas")
    near = get_close_matches(fault.field, BY_NAME, n=1)
    return _("a column of the data set, perhaps {name}").format(name=near[0]) if near else _("a column of the data set")


def _go_on(scoring: Scoring) -> None:
    scoring.good_only = True
