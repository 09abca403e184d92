"""Fetches the artifacts of a run from MLflow, within size limits, and caches them for all sessions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import streamlit as st

from ui import services
from ui.clients.mlflow import File

PLOTS: Final = "plots"
"""Folder with the plots in English; those in another language are in a folder of its code below."""
IMAGE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg"})
"""SVG is left out: it may hold scripts."""
REPORT: Final = "report.html"
CARD: Final = "model_card.md"
"""In English; those in another language have its code before the suffix, as in ``report.es.html``."""

MAX_PLOTS: Final = 12
MAX_PLOT_BYTES: Final = 2**19
MAX_TEXT_BYTES: Final = 4 * 2**20

CACHE_SECONDS: Final = 600
MAX_CACHED: Final = 8
"""With the sizes above, the entries of both kinds need 80 MB at most."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: the name of its file without suffix, and its bytes; None if it is too large or deleted."""

    name: str
    content: bytes | None


@st.cache_resource(ttl=CACHE_SECONDS, max_entries=MAX_CACHED, show_spinner=False)
def plots(run_id: str, folder: str) -> tuple[Plot, ...]:
    """The plots in a folder of a run, fetched concurrently.

    Raises:
        ServiceError: MLflow does not answer.
    """
    client = services.mlflow()
    files = [file for file in client.files(run_id, folder) if PurePosixPath(file.path).suffix.lower() in IMAGE_SUFFIXES]

    def fetch(file: File) -> Plot:
        content = client.download(run_id, file.path) if file.file_size <= MAX_PLOT_BYTES else None
        return Plot(PurePosixPath(file.path).stem, content)

    with ThreadPoolExecutor(max_workers=4) as pool:
        return tuple(pool.map(fetch, files[:MAX_PLOTS]))


@st.cache_resource(ttl=CACHE_SECONDS, max_entries=MAX_CACHED, show_spinner=False)
def text(run_id: str, name: str) -> bytes | File | None:
    """The content of a text file of a run, the file itself if it is too large, or None if the run has none.

    Raises:
        ServiceError: MLflow does not answer.
    """
    client = services.mlflow()
    file = next((one for one in client.files(run_id) if one.path == name), None)
    if file is None:
        return None
    return file if file.file_size > MAX_TEXT_BYTES else client.download(run_id, name)
