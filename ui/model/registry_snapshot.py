"""Snapshot of the registry's versions and aliases, and the runs of versions, cached for all sessions."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import streamlit as st

from ml.core.names import CHALLENGER, PRODUCTION
from ui import services
from ui.clients.errors import NoModelYet, ServiceError, result_or_error
from ui.clients.mlflow import RegisteredVersion, Run
from ui.services import FRESH_SECONDS, ServingState

RUN_SECONDS: Final = 300
"""A finished run does not change, but it may be deleted."""
MAX_CACHED_RUNS: Final = 32


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The versions, newest first, and the version number that each alias points to."""

    versions: tuple[RegisteredVersion, ...]
    aliases: Mapping[str, str]

    def version(self, number: str | None) -> RegisteredVersion | None:
        """A version by its number."""
        return next((one for one in self.versions if one.version == number), None)

    @property
    def production(self) -> RegisteredVersion | None:
        """The version in production."""
        return self.version(self.aliases.get(PRODUCTION))

    @property
    def challenger(self) -> RegisteredVersion | None:
        """The newest candidate."""
        return self.version(self.aliases.get(CHALLENGER))

    def aliases_of(self, number: str) -> list[str]:
        """The aliases that point to a version."""
        return sorted((alias for alias, version in self.aliases.items() if version == number), reverse=True)


def fetch_snapshot(state: ServingState) -> RegistrySnapshot | ServiceError:
    """The snapshot; no request is sent if the serving state shows that MLflow does not answer."""
    if isinstance(state.registered, ServiceError) and not isinstance(state.registered, NoModelYet):
        return state.registered
    return result_or_error(_snapshot)


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def _snapshot() -> RegistrySnapshot:
    client = services.mlflow()
    with ThreadPoolExecutor(max_workers=2) as pool:
        versions, aliases = pool.submit(client.versions), pool.submit(client.aliases)
        return RegistrySnapshot(tuple(versions.result()), aliases.result())


def fetch_runs(*versions: RegisteredVersion | None) -> tuple[Run | None, ...] | ServiceError:
    """The run of each version; None where a version has none, or where it was deleted."""
    run_ids = tuple(version.run_id or None if version else None for version in versions)
    return result_or_error(lambda: _runs(run_ids))


@st.cache_resource(ttl=RUN_SECONDS, max_entries=MAX_CACHED_RUNS, show_spinner=False)
def _runs(run_ids: tuple[str | None, ...]) -> tuple[Run | None, ...]:
    """Fetched concurrently; an error is raised and therefore not cached."""
    client = services.mlflow()
    with ThreadPoolExecutor(max_workers=2) as pool:
        return tuple(pool.map(lambda run_id: client.run(run_id) if run_id else None, run_ids))


def refresh() -> None:
    """Drop the cached snapshot and serving state."""
    _snapshot.clear()
    services.refresh()
