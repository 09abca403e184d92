"""Upload form: accepted columns, template, file uploader and start button."""

import streamlit as st

from ml.schema import COLUMNS
from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import FileError, HeaderError
from ui import banners
from ui.batch import downloads, tables, upload
from ui.batch.delivered_file import MAX_ROWS
from ui.batch.scoring import ScoringJob, Stage
from ui.i18n.language import _, counted, decimal
from ui.i18n.messages import message
from ui.i18n.wording import allowed_values, escape, label_of


def draw() -> None:
    """Draw the form."""
    text = _(
        "Upload a CSV file or an Excel workbook: a header that names any of the columns below, then one encounter per "
        "line. What is empty or “?” is unknown. Other columns are not scored; the result has them beside the risk. "
        "Up to {rows} rows."
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
    st.segmented_control(
        _("Code system of the diagnoses"),
        list(CodeSystem),
        format_func=lambda system: system.value.upper(),
        default=CodeSystem.ICD9,
        required=True,
        help=_("ICD-10-CM codes are converted to ICD-9-CM, the codes that the model was trained with."),
        on_change=upload.store,
        key=upload.CODE_SYSTEM,
    )
    st.file_uploader(_("File"), type=["csv", "tsv", "txt", "xlsx"], key=upload.WIDGET, on_change=upload.store)


def draw_start(job: ScoringJob) -> None:
    """Draw the description of a file, and the button that scores it."""
    rows = counted("{number} row", "{number} rows", job.total)
    header = job.file.reader.header
    columns = counted("{number} column", "{number} columns", len(header.known))
    text = _("**{name}**: {rows}, {columns}.")
    st.markdown(text.format(name=escape(job.name), rows=rows, columns=columns))
    if header.foreign:
        text = _("Not scored, and returned beside the risk: {names}.")
        st.markdown(text.format(names=escape(", ".join(header.foreign))))
    if job.stage is Stage.QUEUE_FULL:
        st.warning(
            _("The queue is full with files of other users. Try again in a minute."), icon=":material/hourglass:"
        )
    st.checkbox(
        _("Production traffic: count these predictions in drift and quality"),
        key=upload.PRODUCTION,
        persist_state="session",
        help=_("For patients who are being discharged now. Leave it off for a trial or a file that was scored before."),
    )
    st.checkbox(
        _("Ranges: the risk if all fields were known"),
        key=upload.RANGES,
        persist_state="session",
        help=_("Two more columns. They help where fields are missing; scoring takes a little longer."),
    )
    label = counted("Score {number} row", "Score {number} rows", job.total)
    st.button(label, type="primary", icon=":material/play_arrow:", on_click=upload.start, key="batch-start")
    st.markdown(f":small[{banners.disclaimer()}]")


def draw_unreadable(error: FileError) -> None:
    """Draw why a file cannot be read."""
    texts = [text for _name, text in error.names] if isinstance(error, HeaderError) else [error.message]
    place = _("Line {line}").format(line=error.line) + ": " if error.line else ""
    for text in texts:
        st.error(escape(f"{place}{message(text)}."), icon=":material/error:")
