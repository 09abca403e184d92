"""Upload form: accepted columns, template, file uploader and start button."""

import streamlit as st

from ml.schema import COLUMNS
from ui import banners
from ui.batch import downloads, tables, upload
from ui.batch.csv_file import MAX_ROWS, Reason, UnreadableError
from ui.batch.scoring import ScoringJob, Stage
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import allowed_values, escape, label_of


def draw() -> None:
    """Draw the form."""
    text = _(
        "Upload a CSV file: a header that names any of the columns below, then one encounter per line. What is empty "
        "or “?” is unknown. Up to {rows} rows."
    )
    st.markdown(text.format(rows=decimal(MAX_ROWS, 0)))
    downloads.draw(_("Download a template"), tables.template, "template.csv", "batch-template")
    with st.expander(_("Columns and their values")):
        st.dataframe(
            {
                _("Column"): [column.name for column in COLUMNS],
                _("Field"): [label_of(column) for column in COLUMNS],
                _("Allowed"): [allowed_values(column) for column in COLUMNS],
            },
            hide_index=True,
            alt=_("The columns a file may have, and their allowed values"),
        )
    st.file_uploader(_("CSV file"), type=["csv"], key=upload.WIDGET, on_change=upload.store)


def draw_start(job: ScoringJob) -> None:
    """Draw the description of a file, and the button that scores it."""
    rows = counted("{number} row", "{number} rows", job.total)
    columns = counted("{number} column", "{number} columns", len(job.file.names))
    text = _("**{name}**: {rows}, {columns}.")
    st.markdown(text.format(name=escape(job.name), rows=rows, columns=columns))
    if job.stage is Stage.QUEUE_FULL:
        st.warning(
            _("The queue is full with files of other users. Try again in a minute."), icon=":material/hourglass:"
        )
    label = counted("Score {number} row", "Score {number} rows", job.total)
    st.button(label, type="primary", icon=":material/play_arrow:", on_click=upload.start, key="batch-start")
    st.markdown(f":small[{banners.disclaimer()}]")


def draw_unreadable(error: UnreadableError) -> None:
    """Draw why a file cannot be read."""
    text = {
        Reason.ENCODING: _("The file is not text in UTF-8: line {line} has an invalid byte. Save it as CSV in UTF-8."),
        Reason.HEADER: _("The file is not CSV: its first line must name the columns."),
        Reason.NO_ROWS: _(
            "The file has no rows: its first line must name the columns, and the others hold the encounters."
        ),
        Reason.TOO_MANY_ROWS: _(
            "The file has more than {rows} rows: split it, and upload the parts one after another."
        ),
    }[error.reason]
    st.error(text.format(line=error.line, rows=decimal(MAX_ROWS, 0)), icon=":material/error:")
