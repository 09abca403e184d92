"""The file of a session: taken in once, kept until another one comes or it is given up."""

from dataclasses import dataclass
from typing import Final

import streamlit as st

from ui.batch.csv_file import CsvFile, UnreadableError
from ui.batch.job_queue import desk
from ui.batch.scoring import Scoring

WIDGET: Final = "batch-file"
_KEY: Final = "batch-upload"


@dataclass
class Upload:
    """A file, and what has been done with it."""

    name: str
    file: CsvFile | UnreadableError
    scoring: Scoring | None = None
    was_turned_away: bool = False
    """Whether too many files were waiting when it was handed in."""


def current() -> Upload | None:
    """The file of this session, also when the person comes back from another page."""
    found: Upload | None = st.session_state.get(_KEY)
    return found


def take() -> None:
    """Take in what was uploaded, or nothing when it was taken back (a callback)."""
    discard()
    if given := st.session_state.get(WIDGET):
        try:
            file: CsvFile | UnreadableError = CsvFile(given.getvalue())
        except UnreadableError as error:
            file = error
        st.session_state[_KEY] = Upload(given.name, file)


def start() -> None:
    """Hand the file in (a callback)."""
    upload = current()
    if upload is None or isinstance(upload.file, UnreadableError):
        return
    scoring = Scoring(upload.file, upload.name)
    upload.was_turned_away = not desk().hand_in(scoring)
    upload.scoring = None if upload.was_turned_away else scoring


def discard() -> None:
    """Give the file up, whatever becomes of it (a callback)."""
    upload = st.session_state.pop(_KEY, None)
    if isinstance(upload, Upload) and upload.scoring:
        upload.scoring.cancel()
