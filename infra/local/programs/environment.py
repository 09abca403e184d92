"""Environment variables that the programs of the stack share."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from api.settings import ApiSettings
from infra.backup.settings import BackupSettings
from infra.exporter.settings import ExporterSettings
from infra.local.settings import ROOT, StackSettings
from ml.core.build import build_info
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
    BackupSettings,
)


@cache
def known_variables() -> frozenset[str]:
    """Names of all settings of all services, without secrets."""
    return frozenset(
        name.upper()
        for service in SERVICES
        for name, field in service.model_fields.items()
        if field.annotation is not SecretStr
    )


def read_settings(environment: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """Return the settings of services from ``.env`` and the environment, which takes precedence."""
    merged = {name: value or "" for name, value in dotenv_values(dotenv).items()} | dict(environment)
    return {name: value for name, value in merged.items() if name in known_variables()}


def shared_environment(settings: StackSettings) -> dict[str, str]:
    """Variables of every program that runs Python code of this repository."""
    paths, build = settings.paths, build_info()
    configured = read_settings(os.environ, ROOT / ".env")
    shared = {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # fewer memory pools per process
        **TELEMETRY_OFF,
        "BUILD_VERSION": build.version,
        "BUILD_COMMIT": build.commit,
        "SECRETS_DIR": str(paths.secrets),
        "POSTGRES_HOST": "127.0.0.1",
        "MLFLOW_TRACKING_URI": settings.url(settings.mlflow_port),
        "AIRFLOW_URL": settings.url(settings.airflow_port),
        "API_URL": settings.url(settings.api_port),
        "API_CACHE_DIR": str(paths.model_cache),
        "DATA_DIR": str(paths.data),
    }
    if settings.data_file is not None:
        shared["DATA_FILE"] = str((ROOT / settings.data_file).resolve())
    return configured | shared


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings, for the supervisor: its programs get theirs at each start."""
    return {name: value for name, value in environment.items() if name not in known_variables()}
