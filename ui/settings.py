"""Settings of the user interface."""

from pydantic import Field, SecretStr

from ml.settings import ApiClientSettings, MlflowSettings, Port
from ui.language import Language


class UiSettings(MlflowSettings, ApiClientSettings):
    """The Streamlit app: the services it asks, the addresses a browser can open, and what a person may do here."""

    ui_port: Port = 8501
    ui_language: Language = Language.ENGLISH
    airflow_port: Port = 8080
    prometheus_port: Port = 9090
    grafana_port: Port = 3000
    locust_port: Port = 8089
    notices_port: Port = 9106
    airflow_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['airflow_port']}")
    prometheus_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['prometheus_port']}")
    locust_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['locust_port']}")
    api_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['api_port']}")
    mlflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['mlflow_port']}")
    airflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['airflow_port']}")
    prometheus_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['prometheus_port']}")
    grafana_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['grafana_port']}")
    locust_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['locust_port']}")
    notices_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['notices_port']}")
    http_timeout_seconds: float = Field(default=10, gt=0)
    operator_key: SecretStr = SecretStr("")  # empty: nobody starts DAGs or rolls back from here
    airflow_user: str = "airflow"
    airflow_password: SecretStr = SecretStr("airflow")
