"""Settings and clients shared by all sessions, and the cached serving state."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import streamlit as st

from ml.core.build import BuildInfo, build_info
from ml.core.names import INTERFACE_USER
from ui.clients.airflow import AirflowClient
from ui.clients.api import ApiClient
from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.clients.connection import Connection
from ui.clients.errors import NoModelYet, ServiceError, result_or_error
from ui.clients.mlflow import RegisteredVersion, RegistryClient
from ui.clients.prometheus import PrometheusClient
from ui.monitoring.api_readings import ApiReadings
from ui.settings import UiSettings

FRESH_SECONDS: Final = 5
"""Lifetime of the cached state: short enough to follow a promotion, long enough to save requests on reruns."""


@dataclass(frozen=True, slots=True)
class ServingState:
    """The production version in MLflow and the model served by the API; either may be an error."""

    registered: RegisteredVersion | ServiceError
    served: ServedModel | ServiceError

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Versions or types of error; differs when a service fails, recovers or has another version."""
        return tuple(
            item.version if isinstance(item, RegisteredVersion | ServedModel) else type(item)
            for item in (self.registered, self.served)
        )

    @property
    def is_synthetic(self) -> bool:
        """Whether the served model, or else the registered version, was trained on synthetic data."""
        if isinstance(self.served, ServedModel):
            return self.served.provenance == SYNTHETIC
        return isinstance(self.registered, RegisteredVersion) and self.registered.tag("data_source") == SYNTHETIC

    @property
    def has_no_model(self) -> bool:
        """Whether both services work and no model was trained yet."""
        return isinstance(self.served, NoModelYet) and isinstance(self.registered, NoModelYet)


@st.cache_resource(show_spinner=False)
def settings() -> UiSettings:
    """The settings. An error is not cached: after a correction, reloading the page is enough."""
    return UiSettings.load()


@st.cache_resource(show_spinner=False)
def build() -> BuildInfo:
    """Version and commit at the start of the process: the files may change while it runs."""
    return build_info()


@st.cache_resource(show_spinner=False, on_release=Connection.close)
def api() -> ApiClient:
    """Client of the API."""
    return ApiClient(settings().api_url, settings().http_timeout_seconds, settings().api_key.get_secret_value())


@st.cache_resource(show_spinner=False)
def api_readings() -> ApiReadings:
    """Readings of the API's metrics, taken also while no page is open."""
    return ApiReadings(api())


@st.cache_resource(show_spinner=False, on_release=Connection.close)
def mlflow() -> RegistryClient:
    """Client of MLflow."""
    return RegistryClient(settings().mlflow_tracking_uri, settings().http_timeout_seconds)


@st.cache_resource(show_spinner=False, on_release=Connection.close)
def prometheus() -> PrometheusClient:
    """Client of Prometheus."""
    return PrometheusClient(settings().prometheus_url, settings().http_timeout_seconds)


@st.cache_resource(show_spinner=False, on_release=Connection.close)
def airflow() -> AirflowClient:
    """Client of Airflow."""
    login = INTERFACE_USER, settings().airflow_interface_password.get_secret_value()
    return AirflowClient(settings().airflow_url, settings().http_timeout_seconds, *login)


@st.cache_resource(ttl=FRESH_SECONDS, show_spinner=False)
def serving_state() -> ServingState:
    """State of registry and API, at most ``FRESH_SECONDS`` old."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        registered = pool.submit(result_or_error, mlflow().version_by_alias)
        served = pool.submit(result_or_error, api().served_model)
        return ServingState(registered.result(), served.result())


def refresh() -> None:
    """Drop the cached serving state."""
    serving_state.clear()
