"""The two PostgreSQL servers of the native stack."""

from infra.local.postgres.cluster import PostgresServer
from infra.local.settings import StackSettings


def main_postgres(settings: StackSettings) -> PostgresServer:
    """The server of the databases of Airflow and of the platform."""
    paths = settings.paths
    return PostgresServer(paths.postgres / "main", settings.postgres_port, paths.read_secret("postgres_password"))


def mlflow_postgres(settings: StackSettings) -> PostgresServer:
    """The server of MLflow's database."""
    paths, port = settings.paths, settings.mlflow_postgres_port
    return PostgresServer(paths.postgres / "mlflow", port, paths.read_secret("mlflow_postgres_password"))
