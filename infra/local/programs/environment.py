"""Environment variables that the programs of the stack share."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from dotenv import dotenv_values

from api.settings import ApiSettings
from infra.backup.settings import BackupSettings
from infra.exporter.settings import ExporterSettings
from infra.local.settings import ROOT, StackSettings
from infra.secrets.generate import SECRETS
from ml.core.build import build_info
from ml.core.secret_files import CHOSEN
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
OF_LOCUST = ("LOAD_SHAPE", "LOCUST_PUBLIC_URL")
"""Locust has no class for its settings."""
GENERATED = frozenset(name.upper() for name in SECRETS) - {"PREDICTION_LOG_KEY"}
"""Settings that the stack sets by the files of its secrets."""


@cache
def known_variables() -> frozenset[str]:
    """Names of all settings of all services, without the secrets that the stack generates."""
    return frozenset((*_names(SERVICES), *OF_LOCUST)) - GENERATED


def _names(services: Iterable[type[PlatformSettings]]) -> set[str]:
    names = {name.upper() for service in services for name in service.model_fields}
    return names | _secret_files(names)


def _secret_files(names: Iterable[str]) -> set[str]:
    return {f"{name}_FILE" for name in {*names} & {*CHOSEN}}


def read_settings(environment: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """Return the settings of services from ``.env`` and the environment, which takes precedence."""
    merged = {name: value or "" for name, value in dotenv_values(dotenv).items()} | dict(environment)
    return {name: value for name, value in merged.items() if name in known_variables()}


def shared_environment(
    settings: StackSettings, *services: type[PlatformSettings], further: Iterable[str] = ()
) -> dict[str, str]:
    """Variables of a program that runs Python code of this repository: the settings of its services and no others.

    A program is restarted when one of its variables changes, so a setting of the training leaves the API running.
    """
    build = build_info()
    names = (_names(services) | set(further)) - GENERATED
    configured = read_settings(os.environ, ROOT / ".env")
    files = {name: str(ROOT / configured[name]) for name in _secret_files(configured) if configured.get(name)}
    values = configured | files | decided_by_stack(settings)
    return {name: value for name, value in values.items() if name in names} | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # fewer memory pools per process
        **TELEMETRY_OFF,
        "BUILD_VERSION": build.version,
        "BUILD_COMMIT": build.commit,
        "SECRETS_DIR": str(settings.paths.secrets),
    }


def decided_by_stack(settings: StackSettings) -> dict[str, str]:
    """Settings whose value the stack decides, whatever is configured."""
    decided = {
        "POSTGRES_HOST": "127.0.0.1",
        "MLFLOW_POSTGRES_HOST": "127.0.0.1",
        "MLFLOW_TRACKING_URI": settings.url(settings.mlflow_port),
        "AIRFLOW_URL": settings.url(settings.airflow_port),
        "API_URL": settings.url(settings.api_port),
        "PROMETHEUS_URL": settings.url(settings.prometheus_port),
        "LOCUST_URL": settings.url(settings.locust_port),
        "EXPORTER_BIND": settings.bind_address,
        "API_CACHE_DIR": str(settings.paths.model_cache),
        "DATA_DIR": str(settings.paths.data),
    }
    if settings.data_file is not None:
        decided["DATA_FILE"] = str((ROOT / settings.data_file).resolve())
    return decided


def without_effect(settings: StackSettings) -> list[str]:
    """Names of settings that are configured otherwise than the stack decides."""
    decided = decided_by_stack(settings)
    configured = read_settings(os.environ, ROOT / ".env")
    return [
        name
        for name, value in decided.items()
        if configured.get(name, "") not in ("", value) and name != "DATA_FILE"  # which may be relative
    ]


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings, for the supervisor: its programs get theirs at each start."""
    return {name: value for name, value in environment.items() if name not in known_variables() | GENERATED}
