"""Upload of outcomes that became known: read, shown, and sent to the API on a click."""

from datetime import UTC, date, datetime
from typing import Final

import pandas as pd
import streamlit as st

from ml.schema.files.errors import FileError
from ui import banners, services
from ui.batch import upload_form
from ui.batch.outcomes.outcome_file import COLUMNS, OutcomeFile
from ui.clients.api_models import FeedbackResponse
from ui.clients.errors import Rejected, ServiceError, result_or_error
from ui.i18n.language import _, counted
from ui.i18n.wording import escape

PREVIEW_ROWS: Final = 100
SEND_ROWS: Final = 5_000
"""Outcomes in a request: what the API accepts by default is more."""
_SENT: Final = "batch-outcomes-sent"


def draw() -> None:
    """Draw the upload, the preview, and the result."""
    with st.expander(_("Report outcomes"), icon=":material/fact_check:", key="batch-outcomes-open"):
        text = _(
            "A CSV file or an Excel workbook with {columns}: one line for each encounter whose outcome is known. Each "
            "outcome is joined to the prediction that was logged for the encounter, and counts in the realised quality."
        )
        st.markdown(text.format(columns=", ".join(f"`{name}`" for name in COLUMNS)))
        day = st.date_input(_("Known on, where the file does not say"), max_value="today", key="batch-outcomes-day")
        uploaded = st.file_uploader(_("File with outcomes"), type=["csv", "tsv", "txt", "xlsx"], key="batch-outcomes")
        if uploaded is None:
            st.session_state.pop(_SENT, None)
            return
        try:
            file = OutcomeFile(uploaded.getvalue(), day if isinstance(day, date) else datetime.now(UTC).date())
        except FileError as error:
            upload_form.draw_unreadable(error)
            return
        _draw_preview(file)
        label = counted("Send {number} outcome", "Send {number} outcomes", len(file.outcomes))
        if st.button(label, type="primary", icon=":material/send:", key="batch-outcomes-send"):
            st.session_state[_SENT] = uploaded.file_id, _send(file)
        sent = st.session_state.get(_SENT)
        if sent and sent[0] == uploaded.file_id:
            _draw_result(sent[1])


def _draw_preview(file: OutcomeFile) -> None:
    readmitted = sum(file.readmitted)
    text = counted("{number} outcome", "{number} outcomes", len(file.outcomes))
    again = counted("{number} readmission within 30 days", "{number} readmissions within 30 days", readmitted)
    st.markdown(_("**Preview**: {outcomes}, {readmissions}.").format(outcomes=text, readmissions=again))
    st.dataframe(
        pd.DataFrame(file.outcomes[:PREVIEW_ROWS]), hide_index=True, alt=_("The first outcomes, as they are sent")
    )


def _send(file: OutcomeFile) -> FeedbackResponse | ServiceError:
    """The result of all requests together, or the first error."""
    results: list[FeedbackResponse] = []
    for first in range(0, len(file.outcomes), SEND_ROWS):
        part = file.outcomes[first : first + SEND_ROWS]
        answer = result_or_error(lambda: services.api().feedback(part))  # noqa: B023  called at once
        if isinstance(answer, ServiceError):
            return answer
        results.append(answer)
    return FeedbackResponse(outcomes=tuple(one for answer in results for one in answer.outcomes))


def _draw_result(sent: FeedbackResponse | ServiceError) -> None:
    if isinstance(sent, Rejected) and sent.errors:
        st.error(" ".join(escape(f"{error.message}.") for error in sent.errors[:5]), icon=":material/error:")
    elif isinstance(sent, ServiceError):
        banners.service_error(sent)
    else:
        names = {"recorded": _("new"), "unchanged": _("known before"), "corrected": _("corrected")}
        statuses = [one.status for one in sent.outcomes]
        parts = [f"{statuses.count(status)} {name}" for status, name in names.items() if status in statuses]
        unmatched = sum(one.predictions == 0 for one in sent.outcomes)
        text = _("Stored: {parts}. Without a logged prediction: {unmatched}.")
        st.success(text.format(parts=", ".join(parts), unmatched=unmatched), icon=":material/check_circle:")
