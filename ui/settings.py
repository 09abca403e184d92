"""Settings of the user interface."""

from pydantic import Field, SecretStr

from ml.settings import MlflowSettings, Port


class UiSettings(MlflowSettings):
    """The Streamlit app: the two services it asks, and the addresses a browser can open."""

    api_port: Port = 8000
    ui_port: Port = 8501
    airflow_port: Port = 8080
    api_url: str = Field(default_factory=lambda given: f"http://127.0.0.1:{given['api_port']}")
    api_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['api_port']}")
    mlflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['mlflow_port']}")
    airflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['airflow_port']}")
    api_key: SecretStr = SecretStr("")
    http_timeout_seconds: float = Field(default=10, gt=0)
