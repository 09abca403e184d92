"""Settings of the prediction service."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from ml.core.settings import ApprovalSettings, DatabaseAddress, MlflowSettings, PublicAddresses


class ApiSettings(DatabaseAddress, MlflowSettings, PublicAddresses, ApprovalSettings):
    """Settings from the environment and `.env`."""

    api_db_password: SecretStr
    api_workers: int = Field(default=1, ge=1)
    api_cache_dir: Path = Path(".local/model-cache")
    model_poll_seconds: float = Field(default=5, ge=0.1, le=15)
    model_trial_seconds: float = Field(default=120, gt=0)
    event_loop_stall_seconds: float = Field(default=30, ge=0)
    max_records: int = Field(default=10_000, ge=1)
    max_csv_rows: int = Field(default=200_000, ge=1)
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    body_timeout_seconds: float = Field(default=30, gt=0)
    body_min_bytes_per_second: int = Field(default=500, ge=0)
    header_timeout_seconds: float = Field(default=20, gt=0)
    keep_alive_seconds: int = Field(default=75, ge=1)
    drain_seconds: float = Field(default=0, ge=0)
    forwarded_allow_ips: str = "127.0.0.1"
    root_path: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    cors_origins: str = ""
    max_in_flight: int = Field(default=128, ge=1)
    max_in_flight_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    max_large_batches: int = Field(default=4, ge=1)
    large_batch_wait_seconds: float = Field(default=30, ge=0)
    prediction_log: bool = True
    prediction_log_queue: int = Field(default=50_000, ge=1)
    prediction_log_queue_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    log_patient_ids: Literal["hash", "plain", "none"] = "hash"
    prediction_log_key: SecretStr = Field(min_length=16)
    api_keys: SecretStr = SecretStr("")
    load_test_keys: str = ""  # names of keys; empty: the first one
    operator_key: SecretStr = SecretStr("")  # empty: the policy cannot be changed over HTTP
    rate_limit_per_second: float = Field(default=0, ge=0)
    rate_limit_burst: int = Field(default=50, ge=1)
    history_timeout_seconds: float = Field(default=0.2, gt=0, le=5)
    ort_threads: int = Field(default=1, ge=1)
