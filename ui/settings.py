"""Settings of the user interface."""

from pydantic import Field, SecretStr

from ml.core.settings import ApiClientSettings, MlflowSettings, PublicAddresses
from ui.i18n.language import Language


class UiSettings(MlflowSettings, ApiClientSettings, PublicAddresses):
    """The Streamlit app: the services it asks, the addresses a browser can open, and what a person may do here."""

    ui_language: Language = Language.ENGLISH
    airflow_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['airflow_port']}")
    prometheus_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['prometheus_port']}")
    locust_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['locust_port']}")
    http_timeout_seconds: float = Field(default=10, gt=0)
    operator_key: SecretStr = SecretStr("")  # empty: nobody starts DAGs or rolls back from here
    airflow_user: str = "airflow"
    airflow_password: SecretStr = SecretStr("airflow")
