"""The server of the interface: the script ``app.py``, and what happens with its uncaught exceptions.

Start it in the root of the repository: ``PYTHONPATH=. streamlit run ui/server.py``
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from ui import failures


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Add the metric of uncaught exceptions to those of Streamlit."""
    failures.counter.register()
    yield


app = st.App("app.py", lifespan=lifespan, on_script_error=failures.report)
