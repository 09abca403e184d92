"""Settings: one class per service, read from the environment, ``.env`` and a directory of secret files.

Precedence: environment, then ``.env`` in the working directory, then ``SECRETS_DIR`` (one file per secret,
named like its setting), then the default. ``.env.example`` documents every field and is tested against them.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ml.core.errors import SettingsError

Port = Annotated[int, Field(ge=1, le=65535)]
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: None if value == "" else value)]
"""A path; the empty string, as compose files and ``.env`` write an unset value, means none."""


class PlatformSettings(BaseSettings):
    """Base of every settings class: how values are found and how a fault is told."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, str_strip_whitespace=True)

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the settings.

        Raises:
            SettingsError: naming the first setting that is missing or malformed, in one sentence.
        """
        secrets = os.environ.get("SECRETS_DIR") or f"{os.environ.get('LOCAL_DIR', '.local')}/secrets"
        try:
            return cls(_secrets_dir=secrets if Path(secrets).is_dir() else None, **overrides)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    name = "_".join(str(part) for part in fault["loc"]).upper()
    if fault["type"] == "missing":
        return (
            f"Setting {name} is missing: set it in .env, or let the stack generate it "
            "(docker compose up, or make demo)."
        )
    shown = "" if name.endswith(("PASSWORD", "SECRET", "KEY")) else f" {fault['input']!r}"
    return f"Setting {name} has a malformed value{shown}: {fault['msg']}."


class DatabaseSettings(PlatformSettings):
    """Where the ``diabetes`` database is and how to log in."""

    postgres_host: str = "127.0.0.1"
    postgres_port: Port = 5432
    diabetes_db_name: str = "diabetes"
    diabetes_db_user: str = "diabetes"
    diabetes_db_password: SecretStr

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL; it names the driver, since a bare ``postgresql://`` means psycopg 3 today."""
        password = quote(self.diabetes_db_password.get_secret_value(), safe="")
        return (
            f"postgresql+psycopg2://{self.diabetes_db_user}:{password}"
            f"@{self.postgres_host}:{self.postgres_port}/{self.diabetes_db_name}"
        )


class MlflowSettings(PlatformSettings):
    """Where MLflow is."""

    mlflow_port: Port = 5000
    mlflow_tracking_uri: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['mlflow_port']}")


class MonitorSettings(PlatformSettings):
    """What the monitoring looks at, and what follows from what it finds."""

    monitor_window_days: float = Field(default=7, gt=0)
    monitor_most_records: int = Field(default=10_000, ge=100)
    retrain_on_drift: bool = False


class ApiClientSettings(PlatformSettings):
    """Where the prediction service is, for those who call it, and the key they send."""

    api_port: Port = 8000
    api_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['api_port']}")
    api_key: SecretStr = SecretStr("")


class PublicAddresses(PlatformSettings):
    """Where a browser finds each service, for links."""

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


class MlSettings(DatabaseSettings, MlflowSettings, MonitorSettings):
    """Ingestion, training, the registry and the monitoring: the command line and the Airflow tasks."""

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
    outcome_maturity_days: int = Field(default=30, ge=30, le=365)  # the label is of 30 days: earlier, it is not there
    prediction_log_key: SecretStr = SecretStr("")  # empty: encounters that the log keeps as hashes are not found
