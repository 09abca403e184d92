"""The two services as the pages see them: one client for all sessions, and a short-lived picture of both."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from ui.answers import SYNTHETIC, RegisteredVersion, ServedModel
from ui.api_client import NoModelYet, PlatformClient, ServiceError
from ui.settings import UiSettings

T = TypeVar("T")

FRESH_SECONDS = 5
"""How old the picture may be: short enough to follow a promotion, long enough that typing costs no requests."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What MLflow calls production and what the API serves; either may be a fault instead."""

    registered: RegisteredVersion | ServiceError
    served: ServedModel | ServiceError

    @property
    def kinds(self) -> tuple[type, type]:
        """What came of both questions: it changes when a service comes, goes, or gets its first model."""
        return type(self.registered), type(self.served)

    @property
    def is_synthetic(self) -> bool:
        """Whether what is shown comes from synthetic data: by the model that answers, else by the registry."""
        if isinstance(self.served, ServedModel):
            return self.served.data_source == SYNTHETIC
        return isinstance(self.registered, RegisteredVersion) and self.registered.tag("data_source") == SYNTHETIC

    @property
    def has_no_model(self) -> bool:
        """Whether both services are well, and a first model has still to be trained."""
        return isinstance(self.served, NoModelYet) and isinstance(self.registered, NoModelYet)


@st.cache_resource(show_spinner=False)
def settings() -> UiSettings:
    """The settings, read once; a fault is not cached, so correcting it and reloading the page is enough."""
    return UiSettings.load()


@st.cache_resource(show_spinner=False)
def client() -> PlatformClient:
    """The client all sessions share."""
    given = settings()
    key = given.api_key.get_secret_value()
    return PlatformClient(given.api_url, given.mlflow_tracking_uri, given.http_timeout_seconds, key)


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def picture() -> Picture:
    """Both services at a glance, asked at the same time, so that a slow one does not hold up the other."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        registered = pool.submit(_outcome, client().production_version)
        served = pool.submit(_outcome, client().served_model)
        return Picture(registered.result(), served.result())


def look_again() -> None:
    """Forget the picture, so that the next look asks the services."""
    picture.clear()


def _outcome(ask: Callable[[], T]) -> T | ServiceError:
    try:
        return ask()
    except ServiceError as error:
        return error
