"""The settings that programs of the stack share, as environment variables."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from api.settings import ApiSettings
from infra.exporter.settings import ExporterSettings
from infra.local.settings import ROOT, StackSettings
from infra.notices.settings import NoticesSettings
from ml.core.settings import MlSettings, PlatformSettings
from ui.settings import UiSettings

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
"""Stops the usage data that MLflow (client, server and UI), Streamlit and Airflow would send."""

SERVICES: tuple[type[PlatformSettings], ...] = (
    StackSettings,
    MlSettings,
    ApiSettings,
    UiSettings,
    ExporterSettings,
    NoticesSettings,
)


@cache
def known_variables() -> frozenset[str]:
    """The variables that set something in any of the services, secrets apart."""
    return frozenset(
        name.upper()
        for service in SERVICES
        for name, field in service.model_fields.items()
        if field.annotation is not SecretStr
    )


def given_settings(environment: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """What ``.env`` and the shell that started the stack say about the services; the shell wins."""
    merged = {name: value or "" for name, value in dotenv_values(dotenv).items()} | dict(environment)
    return {name: value for name, value in merged.items() if name in known_variables()}


def shared_environment(settings: StackSettings) -> dict[str, str]:
    """Variables of every program that is ours or runs our code, whatever directory and shell it was started from."""
    places = settings.places
    given = given_settings(os.environ, ROOT / ".env")
    shared = {
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # fewer memory pools per process: many processes share this machine
        "SECRETS_DIR": str(places.secrets),
        "POSTGRES_HOST": "127.0.0.1",
        "MLFLOW_TRACKING_URI": settings.url(settings.mlflow_port),
        "AIRFLOW_URL": settings.url(settings.airflow_port),
        "API_URL": settings.url(settings.api_port),
        "API_CACHE_DIR": str(places.model_cache),
        "DATA_DIR": str(places.data),
    }
    if settings.data_file is not None:
        shared["DATA_FILE"] = str((ROOT / settings.data_file).resolve())
    return given | shared


def without_settings(environment: Mapping[str, str], extra: Iterable[str] = ()) -> dict[str, str]:
    """The environment the supervisor is started with: a later start with other settings then means just those."""
    dropped = known_variables() | set(extra)
    return {name: value for name, value in environment.items() if name not in dropped}
