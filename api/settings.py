"""Settings of the prediction service."""

from pathlib import Path
from typing import Any

from pydantic import Field

from ml.settings import DatabaseSettings, MlflowSettings, Port


class ApiSettings(DatabaseSettings, MlflowSettings):
    """The prediction service."""

    api_port: Port = 8000
    api_cache_dir: Path = Path(".local/model-cache")
    model_poll_seconds: float = Field(default=5, ge=0.1, le=15)
    max_records: int = Field(default=10_000, ge=1)
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    prediction_log: bool = True
    prediction_log_queue: int = Field(default=50_000, ge=1)
    history_timeout_seconds: float = Field(default=0.2, gt=0, le=5)
    ort_threads: int = Field(default=1, ge=1)

    @property
    def database_login(self) -> dict[str, Any]:
        """Where the ``diabetes`` database is and how to log in, as psycopg2 takes it."""
        return {
            "host": self.postgres_host,
            "port": self.postgres_port,
            "dbname": self.diabetes_db_name,
            "user": self.diabetes_db_user,
            "password": self.diabetes_db_password.get_secret_value(),
        }
