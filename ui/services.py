"""The services as the pages see them: one client each for all sessions, and a short-lived picture of the two that
every page needs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from ui.clients.airflow import AirflowClient
from ui.clients.api import ApiClient
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.clients.errors import NoModelYet, ServiceError
from ui.clients.errors import outcome as outcome
from ui.clients.mlflow import RegisteredVersion, RegistryClient
from ui.clients.prometheus import PrometheusClient
from ui.settings import UiSettings

T = TypeVar("T")
U = TypeVar("U")

FRESH_SECONDS = 5
"""How old the picture may be: short enough to follow a promotion, long enough that typing costs no requests."""


@dataclass(frozen=True, slots=True)
class ServingState:
    """What MLflow calls production and what the API serves; either may be a fault instead."""

    registered: RegisteredVersion | ServiceError
    served: ServedModel | ServiceError

    @property
    def state(self) -> tuple[object, ...]:
        """What came of both questions: it changes when a service comes, goes, or has another version."""
        return tuple(
            found.version if isinstance(found, RegisteredVersion | ServedModel) else type(found)
            for found in (self.registered, self.served)
        )

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
def api() -> ApiClient:
    """The client of the API that all sessions share."""
    given = settings()
    return ApiClient(given.api_url, given.http_timeout_seconds, given.api_key.get_secret_value())


@st.cache_resource(show_spinner=False)
def mlflow() -> RegistryClient:
    """The client of MLflow that all sessions share."""
    given = settings()
    return RegistryClient(given.mlflow_tracking_uri, given.http_timeout_seconds)


@st.cache_resource(show_spinner=False)
def prometheus() -> PrometheusClient:
    """The client of Prometheus that all sessions share."""
    given = settings()
    return PrometheusClient(given.prometheus_url, given.http_timeout_seconds)


@st.cache_resource(show_spinner=False)
def airflow() -> AirflowClient:
    """The client of Airflow that all sessions share."""
    given = settings()
    password = given.airflow_password.get_secret_value()
    return AirflowClient(given.airflow_url, given.http_timeout_seconds, given.airflow_user, password)


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def picture() -> ServingState:
    """API and registry at a glance."""
    registered, served = together(mlflow().by_alias, api().served_model)
    return ServingState(registered, served)


def together(first: Callable[[], T], second: Callable[[], U]) -> tuple[T | ServiceError, U | ServiceError]:
    """Ask two services at the same time, so that a slow one does not hold up the other."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        one, other = pool.submit(outcome, first), pool.submit(outcome, second)
        return one.result(), other.result()


def look_again() -> None:
    """Forget the picture, so that the next look asks the services."""
    picture.clear()
