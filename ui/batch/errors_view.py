"""Errors of a file: line, field, value and allowed values, and the option to score the valid lines only."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Final

import streamlit as st

from ml.schema import BY_NAME
from ui.batch import downloads, tables
from ui.batch.scoring import ScoringJob
from ui.clients.errors import FieldError
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import allowed_values, label_of

MAX_SHOWN: Final = 1_000
"""Errors shown on the page; the download has all of them."""


def draw(job: ScoringJob) -> None:
    """Draw the errors, their download, and the button for the valid lines."""
    valid = len(job.table)
    st.error(" ".join(_summary(job, valid)), icon=":material/edit_note:")
    draw_table(job.errors)
    with st.container(horizontal=True):
        downloads.draw(_("Download the errors"), partial(tables.errors, job.errors), "errors.csv", "batch-errors")
        if valid and not job.valid_only:
            label = counted("Use the {number} valid line only", "Use the {number} valid lines only", valid)
            st.button(label, icon=":material/rule:", on_click=_use_valid_only, args=(job,), key="batch-valid")


def _summary(job: ScoringJob, valid: int) -> Iterator[str]:
    invalid = len(job.invalid_lines)
    if job.is_aborted:
        yield invalid_so_far(job)
        yield _("The rest was not checked: correct what these lines have in common, and start again.")
        return
    yield counted("{number} line has errors.", "{number} lines have errors.", invalid)
    if valid:
        yield counted("{number} line is valid.", "{number} lines are valid.", valid)
        yield _("Correct the file and upload it again, or continue without the lines with errors.")
    else:
        yield _("No line is valid: correct the file and upload it again.")


def invalid_so_far(job: ScoringJob) -> str:
    """Number of the invalid lines of a job that has not checked all lines."""
    return counted("{number} line has errors so far.", "{number} lines have errors so far.", len(job.invalid_lines))


def draw_table(errors: Sequence[FieldError]) -> None:
    """Draw the first errors as a table."""
    first = errors[:MAX_SHOWN]
    st.dataframe(
        {
            _("Line"): [error.line for error in first],
            _("Field"): [_field(error) for error in first],
            _("Value"): ["" if error.value is None else str(error.value) for error in first],
            _("Allowed"): [_allowed(error) for error in first],
        },
        hide_index=True,
        alt=_("The errors of the file: line, field, value and allowed values"),
    )
    if len(errors) > MAX_SHOWN:
        text = _("The first {shown} of {all} errors; the download has all.")
        st.markdown(f":small[{text.format(shown=decimal(MAX_SHOWN, 0), all=decimal(len(errors), 0))}]")


def _field(error: FieldError) -> str:
    column = BY_NAME.get(error.field or "")
    return f"{label_of(column)} · {column.name}" if column else error.field or ""


def _allowed(error: FieldError) -> str:
    """The allowed values; for an error of the header or of a whole line, what is wrong."""
    column = BY_NAME.get(error.field or "")
    if column and error.line != 1:
        return _("{allowed}, or empty for unknown").format(allowed=allowed_values(column))
    if column:
        return _("a column name that occurs once")
    if error.field is None:
        return error.message
    if any(mark in error.field for mark in ";\t|"):
        return _("names separated by commas")
    similar = get_close_matches(error.field, BY_NAME, n=1)
    text = _("a column of the data set, perhaps {name}") if similar else _("a column of the data set")
    return text.format(name=similar[0]) if similar else text


def _use_valid_only(job: ScoringJob) -> None:
    job.valid_only = True
