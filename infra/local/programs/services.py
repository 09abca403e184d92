"""All programs of the native stack, in the order of their start."""

from dataclasses import replace

from api.settings import ApiSettings
from infra.backup.settings import BackupSettings
from infra.exporter.settings import ExporterSettings
from infra.local.postgres.cluster import PostgresServer
from infra.local.postgres.servers import main_postgres, mlflow_postgres
from infra.local.programs.airflow import airflow_programs
from infra.local.programs.environment import OF_LOCUST, shared_environment
from infra.local.programs.mlflow_server import READY_PATH, mlflow_command, mlflow_environment
from infra.local.programs.monitoring import monitoring_programs
from infra.local.programs.program import Program, http_program
from infra.local.settings import ROOT, StackSettings, python_module
from ml.core.settings import ApiClientSettings
from ui.settings import UiSettings


def all_programs(settings: StackSettings) -> list[Program]:
    """Every program of the stack."""
    return database_programs(settings) + service_programs(settings)


def database_programs(settings: StackSettings) -> list[Program]:
    """The two PostgreSQL servers."""
    return [_postgres("postgres", main_postgres(settings)), _postgres("mlflow-postgres", mlflow_postgres(settings))]


def service_programs(settings: StackSettings) -> list[Program]:
    """All programs that need the databases."""
    create = (_mlflow, _api, _streamlit, _locust, _exporter, _mlflow_cleanup)
    services = [*airflow_programs(settings), *(program(settings) for program in create)]
    services += [_backup_schedule(settings)] if settings.backup_at else []
    return [*services, *monitoring_programs(settings, services)]


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


def _mlflow(settings: StackSettings) -> Program:
    artifacts = ROOT / settings.mlflow_artifacts_dir
    address = settings.bind_address, settings.mlflow_port
    environment = shared_environment(settings) | mlflow_environment(artifacts, *address, settings.mlflow_allowed_hosts)
    database = mlflow_database_secret(settings)
    return http_program(settings, "mlflow", "MLFLOW_PORT", mlflow_command(), READY_PATH, "", environment, database)


def _mlflow_cleanup(settings: StackSettings) -> Program:
    return Program(
        name="mlflow-cleanup",
        command=python_module("infra.mlflow_cleanup"),
        is_ready=lambda _started_at: True,
        environment=shared_environment(settings) | {"MLFLOW_TRACKING_URI": settings.url(settings.mlflow_port)},
        secret_environment=mlflow_database_secret(settings),
    )


def _api(settings: StackSettings) -> Program:
    command = python_module("api", "--host", settings.bind_address, "--port", str(settings.api_port))
    environment = shared_environment(settings, ApiSettings)
    # Ready without a model, which is trained later. It reads the password of its role anew, so it keeps running.
    program = http_program(settings, "api", "API_PORT", command, "/health", "/docs", environment)
    return replace(program, secrets=("prediction_log_key",))


def _streamlit(settings: StackSettings) -> Program:
    environment = shared_environment(settings, UiSettings) | {
        "STREAMLIT_SERVER_ADDRESS": settings.bind_address,
        "STREAMLIT_SERVER_PORT": str(settings.ui_port),
    }
    command = python_module("streamlit", "run", str(ROOT / "ui" / "server.py"))
    program = http_program(settings, "streamlit", "UI_PORT", command, "/_stcore/health", "", environment)
    return replace(program, secrets=("airflow_interface_password",))


def _locust(settings: StackSettings) -> Program:
    web = ("--web-host", settings.bind_address, "--web-port", str(settings.locust_port))
    target = ("--host", settings.url(settings.api_port))
    command = python_module("locust", "-f", str(ROOT / "locust" / "locustfile.py"), *web, *target)
    environment = shared_environment(settings, ApiClientSettings, further=OF_LOCUST)
    return http_program(settings, "locust", "LOCUST_PORT", command, "/stats/requests", "", environment)


def _exporter(settings: StackSettings) -> Program:
    command, environment = python_module("infra.exporter"), shared_environment(settings, ExporterSettings)
    program = http_program(settings, "exporter", "EXPORTER_PORT", command, "/metrics", environment=environment)
    return replace(program, secrets=("airflow_exporter_password", "postgres_monitor_password"))


def _backup_schedule(settings: StackSettings) -> Program:
    environment, command = shared_environment(settings, BackupSettings), python_module("infra.backup", "schedule")
    return Program("backup-schedule", command, is_ready=lambda _started_at: True, environment=environment)
