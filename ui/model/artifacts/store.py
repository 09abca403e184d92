"""What the run of a version kept: pictures, report and model card; no more of it than a page can bear."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import streamlit as st

from ui import services
from ui.clients.mlflow import File

PLOTS: Final = "plots"
PICTURES: Final = frozenset({".png", ".jpg", ".jpeg"})
"""What is shown as a picture; an SVG may hold scripts, and is not."""
REPORT: Final = "report.html"
CARD: Final = "model_card.md"

MOST_PICTURES: Final = 12
LARGEST_PICTURE: Final = 2**19
LARGEST_TEXT: Final = 4 * 2**20

KEPT_SECONDS: Final = 600
"""What a run kept does not change. With the sizes above, this many entries of each kind are 80 MB at the very most."""
MOST_ENTRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: the name of its file without ending, and what is in it; None when it is too large or gone."""

    name: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A file that is not fetched."""

    megabytes: float


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=MOST_ENTRIES, show_spinner=False)
def pictures(run_id: str) -> tuple[Plot, ...]:
    """The plots of a run, all fetched at the same time.

    Raises:
        ServiceError: MLflow is away.
    """
    client = services.mlflow()
    found = [file for file in client.files(run_id, PLOTS) if PurePosixPath(file.path).suffix.lower() in PICTURES]

    def fetch(file: File) -> Plot:
        content = client.download(run_id, file.path) if file.file_size <= LARGEST_PICTURE else None
        return Plot(PurePosixPath(file.path).stem, content)

    with ThreadPoolExecutor(max_workers=4) as pool:
        return tuple(pool.map(fetch, found[:MOST_PICTURES]))


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=MOST_ENTRIES, show_spinner=False)
def text(run_id: str, name: str) -> bytes | TooLarge | None:
    """A text file of a run; None when the run kept none.

    Raises:
        ServiceError: MLflow is away.
    """
    client = services.mlflow()
    file = next((one for one in client.files(run_id) if one.path == name), None)
    if file is None:
        return None
    return TooLarge(file.file_size / 2**20) if file.file_size > LARGEST_TEXT else client.download(run_id, name)
