"""The three fields that count most in each of the first rows; requested on a click, because each takes a while."""

from typing import Final

import streamlit as st

from ml.schema import BY_NAME, HISTORY, TARGET, Record
from ui import banners, services
from ui.batch import tables
from ui.batch.scoring import ScoringJob
from ui.clients.api_models import Contribution
from ui.clients.errors import ServiceError, result_or_error
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import value_label

MAX_ROWS: Final = 60
"""Rows explained, those with the highest risks."""
REQUEST_ROWS: Final = 20
"""Rows in a request: what the API accepts."""
FIELDS: Final = 3

_COLUMNS: Final = {**BY_NAME, **{column.name: column for column in HISTORY}}


def draw(job: ScoringJob) -> None:
    """Draw the button, until the rows are explained."""
    if job.explained:
        text = counted(
            "Counts most: the fields with the largest contributions, of the first {number} row.",
            "Counts most: the fields with the largest contributions, of the first {number} rows.",
            len(job.explained),
        )
        st.markdown(f":small[{text} {_('They explain the model, not the causes of a readmission.')}]")
        return
    number = min(MAX_ROWS, tables.ranked(job.table).shape[0])
    label = counted(
        "Show what counts most in the first {number} row", "Show what counts most in the first {number} rows", number
    )
    if st.button(label, icon=":material/query_stats:", key="batch-explain"):
        with st.spinner(_("Computing the contributions…")):
            error = _explain(job, number)
        if error is not None:
            banners.service_error(error)
        else:
            st.rerun()


def _explain(job: ScoringJob, number: int) -> ServiceError | None:
    """Explain the rows and keep the result with the job; None if all requests succeeded."""
    lines = tables.lines_by_risk(job.table)[:number]
    found: dict[int, str] = {}
    for first in range(0, len(lines), REQUEST_ROWS):
        part = lines[first : first + REQUEST_ROWS]
        records = [_without_outcome(job.file.record(line)) for line in part]
        system = job.file.reader.code_system
        response = result_or_error(lambda: services.api().explain_all(records, system))  # noqa: B023  called at once
        if isinstance(response, ServiceError):
            return response
        for line, explanation in zip(part, response.explanations, strict=True):
            found[line] = "; ".join(map(_text, explanation.contributions[:FIELDS]))
    job.explained = found
    return None


def _without_outcome(record: Record) -> dict[str, str | int]:
    return {name: value for name, value in record.items() if value is not None and name != TARGET}


def _text(one: Contribution) -> str:
    column, amount = _COLUMNS.get(one.field), 100 * one.contribution
    sign = "−" if amount < 0 else "+"
    points = f"{sign}{decimal(abs(amount), 1)}"
    if column is None or one.field in {other.name for other in HISTORY}:
        return f"{_('Earlier stays')} {points}"
    return f"{_(column.label)} {value_label(column, one.value)} {points}"
