"""Handing a file in: what the page takes, a template, the upload and its start."""

import streamlit as st

from ml.schema import COLUMNS
from ui import banners
from ui.batch import tables, upload
from ui.batch.csv_file import MOST_ROWS, CsvFile, NoRowsError, NotTextError, TooManyRowsError, UnreadableError
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import expectation, label_of, plain


def draw() -> None:
    """Everything above the result."""
    text = _(
        "Upload a CSV file: a header that names any of the columns below, then one encounter per line. What is empty "
        "or “?” is unknown. Up to {rows} rows."
    )
    st.markdown(text.format(rows=decimal(MOST_ROWS, 0)))
    st.download_button(
        _("Download a template"),
        tables.template,
        "template.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="batch-template",
    )
    with st.expander(_("Columns and what they take")):
        _columns()
    st.file_uploader(_("CSV file"), type=["csv"], key=upload.WIDGET, on_change=upload.take)
    if given := upload.current():
        _start(given)


def _columns() -> None:
    st.dataframe(
        {
            _("Column"): [column.name for column in COLUMNS],
            _("Field"): [label_of(column) for column in COLUMNS],
            _("Takes"): [expectation(column) for column in COLUMNS],
        },
        hide_index=True,
        alt=_("The columns a file may have, and the values each of them takes"),
    )


def _start(given: upload.Upload) -> None:
    if isinstance(given.file, UnreadableError):
        st.error(unreadable(given.file), icon=":material/error:")
        return
    if given.scoring is None:
        st.markdown(_facts(given.name, given.file))
        if given.was_turned_away:
            text = _("Others have handed in files, and the queue is full. Try again in a minute.")
            st.warning(text, icon=":material/hourglass:")
        label = counted("Score {number} row", "Score {number} rows", len(given.file.rows))
        st.button(label, type="primary", icon=":material/play_arrow:", on_click=upload.start, key="batch-start")
        st.markdown(f":small[{banners.not_clinical()}]")


def _facts(name: str, file: CsvFile) -> str:
    text = _("**{name}**: {rows}, {columns}.")
    rows = counted("{number} row", "{number} rows", len(file.rows))
    columns = counted("{number} column", "{number} columns", len(file.names))
    return text.format(name=plain(name), rows=rows, columns=columns)


def unreadable(error: UnreadableError) -> str:
    """Why a file cannot be taken in."""
    match error:
        case NotTextError():
            text = _("The file is not text in UTF-8: line {line} has a byte that is none. Save it as CSV in UTF-8.")
            return text.format(line=error.line)
        case NoRowsError():
            return _("The file has no rows: its first line must name the columns, and the others hold the encounters.")
        case TooManyRowsError():
            text = _("The file has more than {rows} rows: split it, and upload the parts one after another.")
            return text.format(rows=decimal(MOST_ROWS, 0))
    return _("The file is not CSV: its first line must name the columns.")
