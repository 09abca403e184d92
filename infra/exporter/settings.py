"""Settings of the exporter."""

from pydantic import Field, SecretStr

from infra.backup.settings import ScheduleSettings
from ml.core.settings import MlflowSettings, Port


class ExporterSettings(MlflowSettings, ScheduleSettings):
    """Addresses and logins of the targets, and the address that Prometheus scrapes."""

    airflow_port: Port = 8080
    airflow_url: str = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data['airflow_port']}",
        pattern=r"^https?://[^/]+",
        validate_default=True,
    )
    airflow_exporter_password: SecretStr
    postgres_host: str = "127.0.0.1"
    postgres_port: Port = 5432
    diabetes_db_name: str = "diabetes"
    exporter_port: Port = 9105
    exporter_bind: str = "127.0.0.1"
    exporter_timeout_seconds: float = Field(default=4, gt=0, le=7)
    """Time limit of one target per scrape; below the scrape timeout in ``prometheus.yml``."""
    postgres_monitor_password: SecretStr
