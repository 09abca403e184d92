"""Every program of the stack, in the order they start."""

from infra.local.postgres.cluster import PostgresServer
from infra.local.programs.airflow import airflow_programs
from infra.local.programs.environment import shared_environment
from infra.local.programs.mlflow_server import mlflow_command, mlflow_environment, mlflow_is_ready
from infra.local.programs.program import Program
from infra.local.programs.prometheus import watching_programs
from infra.local.settings import ROOT, StackSettings, python_module
from infra.local.supervision.probes import http_probe
from ml.core.errors import SettingsError


def main_postgres(settings: StackSettings) -> PostgresServer:
    """The server of Airflow's and of the platform's own data."""
    folder = settings.places.postgres / "main"
    return PostgresServer(folder, settings.postgres_port, _secret(settings, "postgres_password"))


def mlflow_postgres(settings: StackSettings) -> PostgresServer:
    """The server of MLflow's records."""
    folder = settings.places.postgres / "mlflow"
    return PostgresServer(folder, settings.mlflow_postgres_port, _secret(settings, "mlflow_postgres_password"))


def _secret(settings: StackSettings, name: str) -> str:
    try:
        return (settings.places.secrets / name).read_text().strip()
    except FileNotFoundError:
        raise SettingsError(
            f"Secret {name} is missing: make up creates it, or says where it has to come from."
        ) from None


def database_programs(settings: StackSettings) -> list[Program]:
    """The two PostgreSQL servers."""
    return [
        _postgres("postgres", main_postgres(settings), "POSTGRES_PORT"),
        _postgres("mlflow-postgres", mlflow_postgres(settings), "MLFLOW_POSTGRES_PORT"),
    ]


def _postgres(name: str, server: PostgresServer, port_variable: str) -> Program:
    return Program(
        name=name,
        command=server.command,
        is_ready=lambda _started_at: server.is_ready(),
        ports={port_variable: server.port},
        account=server.account,
        directory=str(server.data_dir) if server.account else None,  # one that the account can enter
        stop_signal="INT",  # fast shutdown: does not wait for open connections
        stop_seconds=60,
        whole_group=False,
    )


def service_programs(settings: StackSettings) -> list[Program]:
    """All that needs the databases, in the order they start."""
    return [
        *airflow_programs(settings),
        _mlflow(settings),
        _api(settings),
        _streamlit(settings),
        _locust(settings),
        _exporter(settings),
        *watching_programs(settings),
    ]


def all_programs(settings: StackSettings) -> list[Program]:
    """Every program of the stack."""
    return database_programs(settings) + service_programs(settings)


def mlflow_database_secret(settings: StackSettings) -> dict[str, str]:
    """The variable that tells MLflow its database."""
    database = f"mlflow:{{mlflow_db_password}}@127.0.0.1:{settings.mlflow_postgres_port}/mlflowdb"
    return {"MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg2://{database}"}


def _mlflow(settings: StackSettings) -> Program:
    port, artifacts = settings.mlflow_port, ROOT / settings.mlflow_artifacts_dir
    return Program(
        name="mlflow",
        command=mlflow_command(),
        is_ready=lambda _started_at: mlflow_is_ready(settings.url(port)),
        ports={"MLFLOW_PORT": port},
        address=f"http://localhost:{port}",
        environment=shared_environment(settings) | mlflow_environment(artifacts, settings.bind_address, port),
        secret_environment=mlflow_database_secret(settings),
    )


def _api(settings: StackSettings) -> Program:
    listen = ("--host", settings.bind_address, "--port", str(settings.api_port))
    return Program(
        name="api",
        command=python_module(
            "uvicorn", "--factory", "api.app:create_app", *listen, "--timeout-graceful-shutdown", "10"
        ),
        is_ready=http_probe(f"{settings.url(settings.api_port)}/health"),  # a model comes later, by training
        ports={"API_PORT": settings.api_port},
        address=f"http://localhost:{settings.api_port}/docs",
        environment=shared_environment(settings) | {"WEB_CONCURRENCY": str(settings.api_workers)},  # uvicorn's name
    )


def _streamlit(settings: StackSettings) -> Program:
    return Program(
        name="streamlit",
        command=python_module("streamlit", "run", str(ROOT / "ui" / "app.py")),
        is_ready=http_probe(f"{settings.url(settings.ui_port)}/_stcore/health"),
        ports={"UI_PORT": settings.ui_port},
        address=f"http://localhost:{settings.ui_port}",
        environment=shared_environment(settings)
        | {
            "STREAMLIT_SERVER_ADDRESS": settings.bind_address,
            "STREAMLIT_SERVER_PORT": str(settings.ui_port),
            "PROMETHEUS_URL": settings.url(settings.prometheus_port),
            "LOCUST_URL": settings.url(settings.locust_port),
            **_airflow_login(settings),
        },
    )


def _locust(settings: StackSettings) -> Program:
    web = ("--web-host", settings.bind_address, "--web-port", str(settings.locust_port))
    target = ("--host", settings.url(settings.api_port))
    return Program(
        name="locust",
        command=python_module("locust", "-f", str(ROOT / "locust" / "locustfile.py"), *web, *target),
        is_ready=http_probe(f"{settings.url(settings.locust_port)}/stats/requests"),
        ports={"LOCUST_PORT": settings.locust_port},
        address=f"http://localhost:{settings.locust_port}",
        environment=shared_environment(settings),
    )


def _exporter(settings: StackSettings) -> Program:
    return Program(
        name="exporter",
        command=python_module("infra.exporter"),
        is_ready=http_probe(f"{settings.url(settings.exporter_port)}/metrics"),
        ports={"EXPORTER_PORT": settings.exporter_port},
        environment=shared_environment(settings)
        | {
            "EXPORTER_BIND": settings.bind_address,
            **_airflow_login(settings),
        },
    )


def _airflow_login(settings: StackSettings) -> dict[str, str]:
    return {
        "AIRFLOW_USER": settings.airflow_user,
        "AIRFLOW_PASSWORD": settings.airflow_password.get_secret_value(),
    }
