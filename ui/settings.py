"""Settings of the user interface."""

from typing import Final, Literal

from pydantic import Field, SecretStr

from ml.core.settings import ApiClientSettings, MlflowSettings, PublicAddresses

AUTO: Final = "auto"
"""The language of the browser."""


class UiSettings(MlflowSettings, ApiClientSettings, PublicAddresses):
    """Addresses of the services, for the interface and for a browser, and what users may do."""

    ui_language: Literal["auto", "en", "es"] = AUTO
    airflow_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['airflow_port']}")
    prometheus_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['prometheus_port']}")
    locust_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['locust_port']}")
    http_timeout_seconds: float = Field(default=10, gt=0)
    operator_key: SecretStr = SecretStr("")  # empty: no DAG run or rollback can be started in the interface
    airflow_interface_password: SecretStr = SecretStr("")
