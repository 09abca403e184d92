"""The two PostgreSQL servers of the native stack."""

from infra.local.postgres.cluster import PostgresServer
from infra.local.settings import StackSettings
from infra.secrets.generate import former_passwords


def main_postgres(settings: StackSettings) -> PostgresServer:
    """The server of the databases of Airflow and of the platform."""
    return _server(settings, "main", settings.postgres_port, "postgres_password")


def mlflow_postgres(settings: StackSettings) -> PostgresServer:
    """The server of MLflow's database."""
    return _server(settings, "mlflow", settings.mlflow_postgres_port, "mlflow_postgres_password")


def _server(settings: StackSettings, folder: str, port: int, secret: str) -> PostgresServer:
    paths = settings.paths
    former = former_passwords(paths.secrets, secret)
    return PostgresServer(paths.postgres / folder, port, paths.read_secret(secret), former)
