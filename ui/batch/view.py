"""A file that was handed in, in each of its states."""

import streamlit as st

from ui import banners
from ui.batch import errors_view, result_view, upload
from ui.batch.scoring import Scoring, Stage
from ui.clients.errors import NoModelYet, Refused, ServiceError
from ui.i18n.language import _, counted, decimal
from ui.i18n.wording import plain


def draw(scoring: Scoring) -> None:
    """Progress, faults, or the result."""
    match scoring.stage:
        case Stage.WAITING | Stage.RUNNING:
            _progress(scoring)
        case Stage.CANCELLED:
            text = _("Cancelled after {done} of {total} rows; nothing of it is kept here.")
            st.info(
                text.format(done=decimal(scoring.done, 0), total=decimal(scoring.total, 0)), icon=":material/block:"
            )
            _again(_("Score the file from the beginning"))
        case Stage.FAILED:
            _failed(scoring.error)
        case Stage.DONE:
            if scoring.faulty:
                errors_view.draw(scoring)
            if len(scoring.table) and (scoring.good_only or not scoring.faulty):
                result_view.draw(scoring)


@st.fragment(run_every="1s")
def _progress(scoring: Scoring) -> None:
    """Follow it without redrawing the page, until there is something else to show."""
    if scoring.has_ended:
        st.rerun()
    st.progress(min(1.0, scoring.done / scoring.total), text=_how_far(scoring))
    if scoring.faulty:
        st.markdown(
            counted("{number} line is at fault so far.", "{number} lines are at fault so far.", len(scoring.faulty))
        )
    st.button(_("Cancel"), icon=":material/close:", on_click=scoring.cancel, key="batch-cancel")


def _how_far(scoring: Scoring) -> str:
    if scoring.stage is Stage.WAITING:
        return _("Waiting for other files to be scored…")
    done, total = decimal(scoring.done, 0), decimal(scoring.total, 0)
    if scoring.seconds_left is None:
        return _("{done} of {total} rows").format(done=done, total=total)
    left = counted("{number} second", "{number} seconds", max(1, round(scoring.seconds_left)))
    return _("{done} of {total} rows, about {left} left").format(done=done, total=total, left=left)


def _failed(error: ServiceError | None) -> None:
    match error:
        case Refused() if error.faults:
            st.error(_("The header of the file is not right, so nothing was scored:"), icon=":material/edit_note:")
            errors_view.table(error.faults)
            return
        case Refused(status=413):
            text = _(
                "The prediction API takes less at a time than a thousand lines of this file: "
                "raise its setting MAX_BODY_BYTES."
            )
            st.error(text, icon=":material/error:")
        case NoModelYet():
            text = _("There is no model to ask: {said}.").format(said=plain(error.said.rstrip(".")))
            st.error(text, icon=":material/hourglass:")
        case ServiceError():
            banners.failure(error)
        case None:
            st.error(_("The file could not be scored. The log of this interface tells why."), icon=":material/error:")
    _again(_("Try again"))


def _again(label: str) -> None:
    st.button(label, icon=":material/refresh:", on_click=upload.start, key="batch-again")
