"""Airflow's four programs and their configuration."""

import json
import shlex
from dataclasses import replace

from infra.airflow_users import passwords, users
from infra.local.programs.environment import shared_environment
from infra.local.programs.program import Program, http_program
from infra.local.settings import ROOT, StackSettings, python_module
from infra.local.supervision.probes import airflow_probe
from ml.core.settings import MlSettings
from ml.core.signing.keys import replace_file

PASSWORDS_FILE = "passwords.json"


def airflow_environment(settings: StackSettings) -> dict[str, str]:
    """Variables of every component."""
    paths, url = settings.paths, settings.url(settings.airflow_port)
    return shared_environment(settings, MlSettings, further=("AIRFLOW_PORT", "AIRFLOW_PUBLIC_URL")) | {
        "AIRFLOW_HOME": str(paths.airflow),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(settings.airflow_parallelism),  # one process each, forked at the start
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default needs DNS
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users(settings.airflow_user),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(paths.airflow / PASSWORDS_FILE),
        "AIRFLOW__API__HOST": settings.bind_address,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{settings.airflow_port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "20",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": _print_address(settings),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "3",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "5",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(paths.logs / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(paths.logs / "dag-parsing"),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",  # /api/v2/monitor/health reports the same
    }


def airflow_secrets(*, signs_tokens: bool) -> dict[str, str]:
    """Variables with secrets; only the scheduler and the API server sign the tokens of tasks."""
    secrets = {
        "AIRFLOW__CORE__FERNET_KEY": "{airflow_fernet_key}",
        "AIRFLOW__API__SECRET_KEY": "{airflow_api_secret_key}",
    }
    return secrets | {"AIRFLOW__API_AUTH__JWT_SECRET": "{airflow_jwt_secret}"} if signs_tokens else secrets


def _print_address(settings: StackSettings) -> str:
    """The command that prints the address of the database. Airflow hides a variable with the address from its tasks."""
    address = f"postgresql+psycopg2://airflow:%s@127.0.0.1:{settings.postgres_port}/airflow"
    password = str(settings.paths.secrets / "airflow_db_password")
    return shlex.join(["sh", "-c", f'printf {address} "$(cat "$0")"', password])


def write_login(settings: StackSettings) -> None:
    """Write the file with the passwords; Airflow opens it for writing, so it is not among the secrets."""
    administrator = settings.airflow_user, settings.airflow_password.get_secret_value()
    content = json.dumps(passwords(*administrator, settings.paths.read_secret))
    replace_file(settings.paths.airflow / PASSWORDS_FILE, content, 0o600)


def airflow_programs(settings: StackSettings) -> list[Program]:
    """The API server first, because it reports the health of the others."""
    environment, url = airflow_environment(settings), settings.url(settings.airflow_port)
    name, command = "airflow-apiserver", python_module("airflow", "api-server")
    secrets = airflow_secrets(signs_tokens=True)
    server = http_program(settings, name, "AIRFLOW_PORT", command, "/api/v2/version", "", environment, secrets)
    # --skip-serve-logs: the API server reads task logs from the disk; a log server would listen on every interface.
    commands = {
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "dag-processor": ["dag-processor"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
    }
    database = ("airflow_db_password",)
    return [replace(server, secrets=database)] + [
        Program(
            name=f"airflow-{component}",
            command=python_module("airflow", *command),
            is_ready=airflow_probe(url, component.replace("-", "_")),
            environment=environment,
            secret_environment=airflow_secrets(signs_tokens=component == "scheduler"),
            secrets=database,
            stop_seconds=40 if component == "scheduler" else 20,  # the scheduler first stops running tasks
        )
        for component, command in commands.items()
    ]
