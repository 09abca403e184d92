"""The two PostgreSQL servers of the native stack."""

from infra.local.postgres.cluster import PostgresServer
from infra.local.settings import StackSettings


def main_postgres(settings: StackSettings) -> PostgresServer:
    """The server of the databases of Airflow and of the platform."""
    places = settings.places
    return PostgresServer(places.postgres / "main", settings.postgres_port, places.read_secret("postgres_password"))


def mlflow_postgres(settings: StackSettings) -> PostgresServer:
    """The server of MLflow's database."""
    places, port = settings.places, settings.mlflow_postgres_port
    return PostgresServer(places.postgres / "mlflow", port, places.read_secret("mlflow_postgres_password"))
