"""Settings of the user interface."""

from pydantic import Field

from ml.settings import ApiClientSettings, MlflowSettings, Port


class UiSettings(MlflowSettings, ApiClientSettings):
    """The Streamlit app: the two services it asks, and the addresses a browser can open."""

    ui_port: Port = 8501
    airflow_port: Port = 8080
    api_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['api_port']}")
    mlflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['mlflow_port']}")
    airflow_public_url: str = Field(default_factory=lambda given: f"http://localhost:{given['airflow_port']}")
    http_timeout_seconds: float = Field(default=10, gt=0)
