"""Errors of a file, equal ones together, and the option to score the valid lines only."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import streamlit as st

from ml.schema.files.errors import ErrorGroup
from ui.batch import downloads, tables
from ui.batch.scoring import ScoringJob
from ui.i18n.language import _, counted, decimal
from ui.i18n.messages import message
from ui.i18n.wording import allowed_values, label_of

MAX_SHOWN: Final = 200
"""Groups of errors shown on the page; the download has all of them."""


def draw(job: ScoringJob) -> None:
    """Draw the errors, their download, and the button for the valid lines."""
    valid = len(job.table)
    st.error(" ".join(_summary(job, valid)), icon=":material/edit_note:")
    _draw_table(list(job.errors))
    with st.container(horizontal=True):
        downloads.draw(_("Download the errors"), partial(tables.errors, job.errors), "errors.csv", "batch-errors")
        if valid and not job.valid_only:
            label = counted("Use the {number} valid line only", "Use the {number} valid lines only", valid)
            st.button(label, icon=":material/rule:", on_click=_use_valid_only, args=(job,), key="batch-valid")


def _summary(job: ScoringJob, valid: int) -> Iterator[str]:
    yield counted("{number} line has errors.", "{number} lines have errors.", len(job.invalid_lines))
    if valid:
        yield counted("{number} line is valid.", "{number} lines are valid.", valid)
        yield _("Correct the file and upload it again, or continue without the lines with errors.")
    else:
        yield _("No line is valid: correct the file and upload it again.")


def invalid_so_far(job: ScoringJob) -> str:
    """Number of the invalid lines of a job that has not checked all lines."""
    return counted("{number} line has errors so far.", "{number} lines have errors so far.", len(job.invalid_lines))


def _draw_table(groups: Sequence[ErrorGroup]) -> None:
    first = groups[:MAX_SHOWN]
    st.dataframe(
        {
            _("Field"): [f"{label_of(group.column)} · {group.column.name}" if group.column else "" for group in first],
            _("Value"): [group.text if group.column else "" for group in first],
            _("Number of lines"): [group.count for group in first],
            _("First lines"): [tables.lines_of(group) for group in first],
            _("Suggestion"): [group.suggestion or "" for group in first],
            _("Allowed"): [_allowed(group) for group in first],
        },
        hide_index=True,
        alt=_("The errors of the file: field, value, number, first lines, suggestion and allowed values"),
    )
    if len(groups) > MAX_SHOWN:
        text = _("The first {shown} of {all} errors; the download has all.")
        st.markdown(f":small[{text.format(shown=decimal(MAX_SHOWN, 0), all=decimal(len(groups), 0))}]")


def _allowed(group: ErrorGroup) -> str:
    """The allowed values; for an error of a whole line, what is wrong."""
    if group.column is None:
        return message(group.text)
    return _("{allowed}, or empty for unknown").format(allowed=allowed_values(group.column))


def _use_valid_only(job: ScoringJob) -> None:
    job.valid_only = True
