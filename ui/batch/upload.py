"""The uploaded file of a session: its scoring job, or why it cannot be read."""

from typing import Final

import streamlit as st

from ml.schema.code_systems import CodeSystem
from ml.schema.files.errors import FileError
from ui.batch.delivered_file import DeliveredFile
from ui.batch.job_queue import job_queue
from ui.batch.scoring import ScoringJob

WIDGET: Final = "batch-file"
CODE_SYSTEM: Final = "batch-code-system"
"""Key of the choice of the code system."""
PRODUCTION: Final = "batch-production"
"""Key of the choice whether the predictions are production traffic."""
RANGES: Final = "batch-ranges"
"""Key of the choice whether the result has ranges."""
_KEY: Final = "batch-upload"


def current() -> ScoringJob | FileError | None:
    """The job or error of this session; it survives a visit to another page."""
    upload: ScoringJob | FileError | None = st.session_state.get(_KEY)
    return upload


def store() -> None:
    """Create a job for the uploaded file, which replaces the previous one (for callbacks)."""
    previous = st.session_state.pop(_KEY, None)
    if isinstance(previous, ScoringJob):
        previous.cancel()
    code_system = CodeSystem(st.session_state.get(CODE_SYSTEM) or CodeSystem.ICD9)
    if uploaded := st.session_state.get(WIDGET):
        try:
            st.session_state[_KEY] = ScoringJob(DeliveredFile(uploaded.getvalue(), code_system), uploaded.name)
        except FileError as error:
            st.session_state[_KEY] = error


def start() -> None:
    """Enqueue a new job for the file (for callbacks)."""
    job = current()
    if isinstance(job, ScoringJob):
        st.session_state[_KEY] = job = ScoringJob(job.file, job.name)
        job.is_production = bool(st.session_state.get(PRODUCTION))
        job.with_ranges = bool(st.session_state.get(RANGES))
        job_queue().enqueue(job)
