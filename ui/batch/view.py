"""A scoring job in each of its stages."""

import streamlit as st

from ui import banners
from ui.batch import errors_view, upload, upload_form
from ui.batch.result import result_view
from ui.batch.scoring import ScoringJob, Stage
from ui.clients.errors import Rejected, ServiceError
from ui.i18n.language import _, counted, decimal


def draw(job: ScoringJob) -> None:
    """Draw progress, errors or result."""
    match job.stage:
        case Stage.UPLOADED | Stage.QUEUE_FULL:
            upload_form.draw_start(job)
        case Stage.WAITING | Stage.RUNNING:
            _draw_progress(job)
        case Stage.CANCELLED:
            text = _("Cancelled after {done} of {total} rows; no result was kept.")
            text = text.format(done=decimal(job.done, 0), total=decimal(job.total, 0))
            st.info(text, icon=":material/block:")
            _draw_restart(_("Score the file from the beginning"))
        case Stage.FAILED:
            _draw_failure(job.failure)
        case Stage.DONE:
            if job.invalid_lines:
                errors_view.draw(job)
            if len(job.table) and (job.valid_only or not job.invalid_lines):
                result_view.draw(job)


@st.fragment(run_every="1s")
def _draw_progress(job: ScoringJob) -> None:
    if job.is_finished:
        st.rerun()
    st.progress(min(1.0, job.done / job.total), text=_progress_text(job))
    if job.invalid_lines:
        st.markdown(errors_view.invalid_so_far(job))
    st.button(_("Cancel"), icon=":material/close:", on_click=job.cancel, key="batch-cancel")


def _progress_text(job: ScoringJob) -> str:
    if job.stage is Stage.WAITING:
        return _("Waiting for other files to be scored…")
    done, total = decimal(job.done, 0), decimal(job.total, 0)
    if job.seconds_left is None:
        return _("{done} of {total} rows").format(done=done, total=total)
    left = counted("{number} second", "{number} seconds", max(1, round(job.seconds_left)))
    return _("{done} of {total} rows, about {left} left").format(done=done, total=total, left=left)


def _draw_failure(error: ServiceError | None) -> None:
    match error:
        case Rejected(status=413):
            text = _(
                "A thousand lines of this file are more than the prediction API accepts: "
                "raise its setting MAX_BODY_BYTES."
            )
            st.error(text, icon=":material/error:")
        case ServiceError():
            banners.service_error(error)
        case None:
            text = _("The file could not be scored. The log of this interface has the reason.")
            st.error(text, icon=":material/error:")
    _draw_restart(_("Try again"))


def _draw_restart(label: str) -> None:
    st.button(label, icon=":material/refresh:", on_click=upload.start, key="batch-again")
