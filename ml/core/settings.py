"""Settings of the services.

Precedence: the file of ``NAME_FILE`` (:mod:`ml.core.secret_files`), environment, ``.env`` in the working directory,
``SECRETS_DIR`` (one file per secret, named like the setting), default. ``.env.example`` documents every field.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ml.core.errors import SettingsError
from ml.core.names import DASK_CERTIFICATE, PUBLIC_KEYS, SIGNING_KEY
from ml.core.secret_files import CHOSEN, with_secret_files

Port = Annotated[int, Field(ge=1, le=65535)]

OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A path; an empty string, the unset value of compose files and ``.env``, means None."""


def secrets_folder() -> Path:
    """Folder with one file per secret."""
    return Path(os.environ.get("SECRETS_DIR") or f"{os.environ.get('LOCAL_DIR', '.local')}/secrets")


class PlatformSettings(BaseSettings):
    """Base of every settings class."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, str_strip_whitespace=True)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the settings.

        Raises:
            SettingsError: naming the first setting that is missing or malformed.
        """
        secrets = secrets_folder()
        try:
            return cls(_secrets_dir=secrets if secrets.is_dir() else None, **overrides)
        except ValidationError as error:
            raise SettingsError(_format(error)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the files of ``NAME_FILE`` before the variables."""
        chosen = InitSettingsSource(settings_cls, _chosen_secrets(settings_cls, dotenv_settings, env_settings))
        return init_settings, chosen, env_settings, dotenv_settings, file_secret_settings


def _chosen_secrets(settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource) -> dict[str, str]:
    """Secrets by field, from the files that variables of ``sources`` name; later sources take precedence."""
    variables: dict[str, str] = {}
    for source in sources:
        if isinstance(source, EnvSettingsSource):
            variables |= {name.upper(): value for name, value in source.env_vars.items() if value is not None}
    names = [name for name in CHOSEN if name.lower() in settings_cls.model_fields and variables.get(f"{name}_FILE")]
    found = with_secret_files(variables, names)
    return {name.lower(): found[name] for name in names}


def _format(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    name = "_".join(str(part) for part in fault["loc"]).upper()
    if fault["type"] == "missing":
        return f"Setting {name} is missing: set it in .env, or generate it with docker compose up or make demo."
    value = "" if name.endswith(("PASSWORD", "SECRET", "KEY")) else f" {fault['input']!r}"
    return f"Setting {name} has a malformed value{value}: {fault['msg']}."


class DatabaseAddress(PlatformSettings):
    """Address of the ``diabetes`` database."""

    postgres_host: str = "127.0.0.1"
    postgres_port: Port = 5432
    diabetes_db_name: str = "diabetes"


class DatabaseSettings(DatabaseAddress):
    """Address of the ``diabetes`` database, and the login of its owner."""

    diabetes_db_user: str = "diabetes"
    diabetes_db_password: SecretStr

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL with the driver, because plain ``postgresql://`` selects psycopg 3."""
        password = quote(self.diabetes_db_password.get_secret_value(), safe="")
        return (
            f"postgresql+psycopg2://{self.diabetes_db_user}:{password}"
            f"@{self.postgres_host}:{self.postgres_port}/{self.diabetes_db_name}"
        )


class MlflowSettings(PlatformSettings):
    """Address of MLflow."""

    mlflow_port: Port = 5000
    mlflow_tracking_uri: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['mlflow_port']}")


class ApprovalSettings(PlatformSettings):
    """File with the public keys that verify the gate's approvals."""

    model_public_keys_file: Path = Field(default_factory=lambda: secrets_folder() / PUBLIC_KEYS)


class MonitorSettings(PlatformSettings):
    """Window of the monitoring, and whether drift triggers training."""

    monitor_window_days: float = Field(default=7, gt=0)
    monitor_most_records: int = Field(default=10_000, ge=100)
    retrain_on_drift: bool = False


class ClusterSettings(PlatformSettings):
    """Dask cluster that trains; without an address the process itself does.

    Whoever can connect to a scheduler runs code on its workers. So client, scheduler and workers need the same
    certificate with its key, except on one machine.
    """

    dask_scheduler: str = ""
    dask_certificate_file: Path = Field(default_factory=lambda: secrets_folder() / DASK_CERTIFICATE)

    @field_validator("dask_scheduler")
    @classmethod
    def _encrypted(cls, address: str) -> str:
        if address and not re.fullmatch(r"tls://\S+:\d+|tcp://(127\.0\.0\.1|localhost|\[::1\]):\d+", address):
            raise ValueError("tls://HOST:PORT is expected, or tcp://127.0.0.1:PORT")
        return address


class ApiClientSettings(PlatformSettings):
    """Address of the prediction service and the key to send."""

    api_port: Port = 8000
    api_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['api_port']}")
    api_key: SecretStr = SecretStr("")


class PublicAddresses(PlatformSettings):
    """Addresses of the services for links in a browser."""

    ui_port: Port = 8501
    api_port: Port = 8000
    mlflow_port: Port = 5000
    airflow_port: Port = 8080
    prometheus_port: Port = 9090
    grafana_port: Port = 3000
    locust_port: Port = 8089
    alertmanager_port: Port = 9093
    ui_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['ui_port']}")
    api_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['api_port']}")
    mlflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['mlflow_port']}")
    airflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['airflow_port']}")
    prometheus_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['prometheus_port']}")
    grafana_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['grafana_port']}")
    locust_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['locust_port']}")
    alertmanager_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['alertmanager_port']}")


class MlSettings(DatabaseSettings, MlflowSettings, MonitorSettings, ApprovalSettings, ClusterSettings):
    """Settings of the command line and the Airflow tasks: ingestion, training, registry and monitoring."""

    model_signing_key_file: Path = Field(default_factory=lambda: secrets_folder() / SIGNING_KEY)
    data_source: Literal["auto", "uci", "file", "synthetic"] = "auto"
    data_file: OptionalPath = None
    data_dir: Path = Path(".local/data")
    max_rejected_share: float = Field(default=0.01, ge=0, le=1)
    uci_url: str = "https://archive.ics.uci.edu"
    uci_timeout_seconds: float = Field(default=120, gt=0)
    uci_attempts: int = Field(default=3, ge=1, le=10)
    synthetic_rows: int = Field(default=20_000, ge=500)
    synthetic_seed: int = Field(default=296, ge=0)
    forest_trees: int = Field(default=200, ge=10)
    bootstrap_samples: int = Field(default=300, ge=50)
    tune_trials: int = Field(default=8, ge=1)
    tune_folds: int = Field(default=3, ge=2)
    train_jobs: int = Field(default=2, ge=-1)
    outcome_maturity_days: int = Field(default=30, ge=30, le=365)  # the label covers 30 days
    prediction_retention_days: int = Field(default=365, ge=0)
    retain_days: int = Field(default=90, ge=1)
    access_log_days: int = Field(default=2190, ge=1)  # six years
    prediction_log_key: SecretStr = SecretStr("")  # if empty, hashed encounters in the log are not matched
