"""Settings of the prediction service."""

from pathlib import Path

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
    ort_threads: int = Field(default=1, ge=1)
