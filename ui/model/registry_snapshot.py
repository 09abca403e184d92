"""All versions of the registry with their aliases, and the runs behind them; kept for a moment for all sessions."""

from collections.abc import Mapping
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
MOST_PAIRS: Final = 32

Runs = tuple[Run | None, Run | None]


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The versions, the newest first, and where the aliases point to."""

    versions: tuple[RegisteredVersion, ...]
    aliases: Mapping[str, str]

    def version(self, number: str | None) -> RegisteredVersion | None:
        """A version by its number."""
        return next((one for one in self.versions if one.version == number), None)

    @property
    def production(self) -> RegisteredVersion | None:
        """What the alias of production points to."""
        return self.version(self.aliases.get(PRODUCTION))

    @property
    def challenger(self) -> RegisteredVersion | None:
        """The newest candidate."""
        return self.version(self.aliases.get(CHALLENGER))

    def roles(self, number: str) -> list[str]:
        """The aliases that point to a version."""
        return sorted((alias for alias, version in self.aliases.items() if version == number), reverse=True)


def look(picture: ServingState) -> RegistrySnapshot | ServiceError:
    """The shelf; where the picture says that MLflow is away, that is not found out a second time."""
    if isinstance(picture.registered, ServiceError) and not isinstance(picture.registered, NoModelYet):
        return picture.registered
    return result_or_error(_shelf)


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def _shelf() -> RegistrySnapshot:
    client = services.mlflow()
    versions, aliases = services.fetch_both(client.versions, client.aliases)
    if isinstance(versions, ServiceError):
        raise versions
    if isinstance(aliases, ServiceError):
        raise aliases
    return RegistrySnapshot(tuple(versions), aliases)


def runs_of(one: RegisteredVersion | None, other: RegisteredVersion | None) -> Runs | ServiceError:
    """The runs of two versions; None where a version has none, or none any more."""
    ids = [version.run_id or None if version else None for version in (one, other)]
    return result_or_error(lambda: _runs(ids[0], ids[1]))


@st.cache_resource(ttl=RUN_SECONDS, max_entries=MOST_PAIRS, show_spinner=False)
def _runs(one: str | None, other: str | None) -> Runs:
    """Asked for at the same time; a fault is raised, and so not kept."""
    client = services.mlflow()
    first, second = services.fetch_both(
        lambda: client.run(one) if one else None, lambda: client.run(other) if other else None
    )
    if isinstance(first, ServiceError):
        raise first
    if isinstance(second, ServiceError):
        raise second
    return first, second


def look_again() -> None:
    """Forget the shelf and the picture, so that the next look asks the services."""
    _shelf.clear()
    services.refresh()
