"""The uploaded file of a session and its scoring job."""

from dataclasses import dataclass
from typing import Final

import streamlit as st

from ui.batch.csv_file import CsvFile, UnreadableError
from ui.batch.job_queue import job_queue
from ui.batch.scoring import ScoringJob

WIDGET: Final = "batch-file"
_KEY: Final = "batch-upload"


@dataclass
class Upload:
    """An uploaded file; ``is_queue_full`` tells that its job was not accepted."""

    name: str
    file: CsvFile | UnreadableError
    job: ScoringJob | None = None
    is_queue_full: bool = False


def current() -> Upload | None:
    """The file of this session; it survives a visit to another page."""
    upload: Upload | None = st.session_state.get(_KEY)
    return upload


def store() -> None:
    """Index the uploaded file and store it, or clear the stored one (for callbacks)."""
    upload = st.session_state.pop(_KEY, None)
    if isinstance(upload, Upload) and upload.job:
        upload.job.cancel()
    if uploaded := st.session_state.get(WIDGET):
        try:
            file: CsvFile | UnreadableError = CsvFile(uploaded.getvalue())
        except UnreadableError as error:
            file = error
        st.session_state[_KEY] = Upload(uploaded.name, file)


def start() -> None:
    """Enqueue a job for the file (for callbacks)."""
    upload = current()
    if upload is None or isinstance(upload.file, UnreadableError):
        return
    job = ScoringJob(upload.file, upload.name)
    upload.is_queue_full = not job_queue().enqueue(job)
    upload.job = None if upload.is_queue_full else job
