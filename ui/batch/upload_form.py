"""Upload form: accepted columns, template, file uploader and start button."""

import streamlit as st

from ml.schema import COLUMNS
from ui import banners
from ui.batch import downloads, tables, upload
from ui.batch.csv_file import MAX_ROWS, CsvFile, EncodingError, NoRowsError, TooManyRowsError, UnreadableError
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
    match upload.current():
        case upload.Upload(file=UnreadableError() as error):
            st.error(_unreadable(error), icon=":material/error:")
        case upload.Upload(name=name, file=CsvFile() as file, job=None, is_queue_full=is_queue_full):
            _draw_start(name, file, is_queue_full)


def _draw_start(name: str, file: CsvFile, is_queue_full: bool) -> None:
    rows = counted("{number} row", "{number} rows", len(file.rows))
    columns = counted("{number} column", "{number} columns", len(file.names))
    text = _("**{name}**: {rows}, {columns}.")
    st.markdown(text.format(name=escape(name), rows=rows, columns=columns))
    if is_queue_full:
        st.warning(
            _("The queue is full with files of other users. Try again in a minute."), icon=":material/hourglass:"
        )
    label = counted("Score {number} row", "Score {number} rows", len(file.rows))
    st.button(label, type="primary", icon=":material/play_arrow:", on_click=upload.start, key="batch-start")
    st.markdown(f":small[{banners.disclaimer()}]")


def _unreadable(error: UnreadableError) -> str:
    match error:
        case EncodingError(line=line):
            text = _("The file is not text in UTF-8: line {line} has an invalid byte. Save it as CSV in UTF-8.")
            return text.format(line=line)
        case NoRowsError():
            return _("The file has no rows: its first line must name the columns, and the others hold the encounters.")
        case TooManyRowsError():
            text = _("The file has more than {rows} rows: split it, and upload the parts one after another.")
            return text.format(rows=decimal(MAX_ROWS, 0))
    return _("The file is not CSV: its first line must name the columns.")
