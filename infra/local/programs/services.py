"""All programs of the native stack, in the order of their start."""

from collections.abc import Mapping

from infra.local.postgres.cluster import PostgresServer
from infra.local.postgres.servers import main_postgres, mlflow_postgres
from infra.local.programs.airflow import airflow_programs
from infra.local.programs.environment import shared_environment
from infra.local.programs.mlflow_server import READY_PATH, mlflow_command, mlflow_environment
from infra.local.programs.program import Program
from infra.local.programs.prometheus import watching_programs
from infra.local.settings import ROOT, StackSettings, python_module
from infra.local.supervision.probes import http_probe


def all_programs(settings: StackSettings) -> list[Program]:
    """Every program of the stack."""
    return database_programs(settings) + service_programs(settings)


def database_programs(settings: StackSettings) -> list[Program]:
    """The two PostgreSQL servers."""
    return [
        _postgres("postgres", main_postgres(settings)),
        _postgres("mlflow-postgres", mlflow_postgres(settings)),
    ]


def service_programs(settings: StackSettings) -> list[Program]:
    """All programs that need the databases."""
    return [
        *airflow_programs(settings),
        _mlflow(settings),
        _api(settings),
        _streamlit(settings),
        _locust(settings),
        _exporter(settings),
        *watching_programs(settings),
    ]


def mlflow_database_secret(settings: StackSettings) -> dict[str, str]:
    """The variable with the URL of MLflow's database."""
    database = f"mlflow:{{mlflow_db_password}}@127.0.0.1:{settings.mlflow_postgres_port}/mlflowdb"
    return {"MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg2://{database}"}


def _postgres(name: str, server: PostgresServer) -> Program:
    return Program(
        name=name,
        command=server.command,
        is_ready=lambda _started_at: server.is_ready(),
        ports={f"{name.replace('-', '_').upper()}_PORT": server.port},
        account=server.account,
        directory=str(server.data_dir) if server.account else None,  # the account cannot enter every directory
        stop_signal="INT",  # fast shutdown: does not wait for open connections
        stop_seconds=60,
        stop_group=False,
    )


def _service(
    settings: StackSettings,
    name: str,
    port_setting: str,
    command: list[str],
    ready_path: str,
    page: str | None = "",
    environment: Mapping[str, str] | None = None,
    secret_environment: Mapping[str, str] | None = None,
) -> Program:
    """A Python program with one HTTP port; `page` is the path for a browser, None if it has none."""
    port: int = getattr(settings, port_setting.lower())
    return Program(
        name=name,
        command=command,
        is_ready=http_probe(f"{settings.url(port)}{ready_path}"),
        ports={port_setting: port},
        address=None if page is None else f"http://localhost:{port}{page}",
        environment={**shared_environment(settings), **(environment or {})},
        secret_environment=secret_environment or {},
    )


def _mlflow(settings: StackSettings) -> Program:
    artifacts = ROOT / settings.mlflow_artifacts_dir
    return _service(
        settings,
        "mlflow",
        "MLFLOW_PORT",
        mlflow_command(),
        READY_PATH,
        environment=mlflow_environment(artifacts, settings.bind_address, settings.mlflow_port),
        secret_environment=mlflow_database_secret(settings),
    )


def _api(settings: StackSettings) -> Program:
    listen = ("--host", settings.bind_address, "--port", str(settings.api_port), "--timeout-graceful-shutdown", "10")
    return _service(
        settings,
        "api",
        "API_PORT",
        python_module("uvicorn", "--factory", "api.app:create_app", *listen),
        "/health",  # not /ready: the first model is trained later
        page="/docs",
        environment={"WEB_CONCURRENCY": str(settings.api_workers)},  # read by uvicorn
    )


def _streamlit(settings: StackSettings) -> Program:
    environment = {
        "STREAMLIT_SERVER_ADDRESS": settings.bind_address,
        "STREAMLIT_SERVER_PORT": str(settings.ui_port),
        "PROMETHEUS_URL": settings.url(settings.prometheus_port),
        "LOCUST_URL": settings.url(settings.locust_port),
        **_airflow_login(settings),
    }
    command = python_module("streamlit", "run", str(ROOT / "ui" / "app.py"))
    return _service(settings, "streamlit", "UI_PORT", command, "/_stcore/health", environment=environment)


def _locust(settings: StackSettings) -> Program:
    web = ("--web-host", settings.bind_address, "--web-port", str(settings.locust_port))
    target = ("--host", settings.url(settings.api_port))
    command = python_module("locust", "-f", str(ROOT / "locust" / "locustfile.py"), *web, *target)
    return _service(settings, "locust", "LOCUST_PORT", command, "/stats/requests")


def _exporter(settings: StackSettings) -> Program:
    environment = {"EXPORTER_BIND": settings.bind_address, **_airflow_login(settings)}
    command = python_module("infra.exporter")
    return _service(settings, "exporter", "EXPORTER_PORT", command, "/metrics", page=None, environment=environment)


def _airflow_login(settings: StackSettings) -> dict[str, str]:
    return {
        "AIRFLOW_USER": settings.airflow_user,
        "AIRFLOW_PASSWORD": settings.airflow_password.get_secret_value(),
    }
