"""The server of the interface: the script ``app.py``, its metrics, and what happens with its uncaught exceptions.

Start it in the root of the repository: ``PYTHONPATH=. streamlit run ui/server.py``
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.stats import GaugeStat, StatsProvider

from ml.core.build import build_info
from ml.core.errors import SettingsError
from ui import failures, services
from ui.clients.errors import ServiceError
from ui.monitoring.api_readings import EVERY_SECONDS

BUILD: Final = "build_info"


class BuildStats(StatsProvider):
    """Exports version and commit on the metrics page of Streamlit, as the other services do on theirs."""

    def __init__(self) -> None:
        build = build_info()
        self._labels = {"service": "streamlit", "version": build.version, "commit": build.commit}

    @property
    def stats_families(self) -> Sequence[str]:
        """Names of the exported metrics."""
        return (BUILD,)

    def get_stats(self, _family_names: Sequence[str] | None = None) -> Mapping[str, Sequence[GaugeStat]]:
        """The metric."""
        return {BUILD: [GaugeStat(BUILD, 1, self._labels, help="Version and commit.")]}


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Add our metrics to those of Streamlit."""
    for provider in (failures.counter, BuildStats()):
        Runtime.instance().stats_mgr.register_provider(provider)
    reading = asyncio.create_task(_read_the_api())
    yield
    reading.cancel()


async def _read_the_api() -> None:
    """Take readings of the API's metrics, so that Monitoring has traffic to show without Prometheus."""
    while True:
        with suppress(SettingsError, ServiceError):  # the pages show them
            await asyncio.to_thread(lambda: services.api_readings().take())
        await asyncio.sleep(EVERY_SECONDS)


app = st.App("app.py", lifespan=lifespan, on_script_error=failures.report)
