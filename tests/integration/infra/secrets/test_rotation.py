"""Rotation on a real PostgreSQL, killed at each step and repeated; and of the Fernet key by Airflow's own command."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from cryptography.fernet import Fernet, InvalidToken

from infra.local import provisioning
from infra.local.errors import StackError
from infra.local.postgres import cluster
from infra.local.postgres.cluster import PostgresServer, running
from infra.local.postgres.servers import main_postgres, mlflow_postgres
from infra.local.provisioning import create_databases, finish_fernet_rotation, prepare_secrets
from infra.local.settings import StackSettings
from infra.local.supervision.probes import free_port
from infra.secrets import rotate
from infra.secrets.generate import FERNET_KEY, SUPERUSERS, former_passwords
from infra.secrets.rotate import rotate_secret
from tests.support.airflow_home import Airflow, airflow_environment
from tests.support.postgres import FORGETFUL, database_url

LOGINS = {
    "airflow_db_password": ("airflow", "airflow"),
    "diabetes_db_password": ("diabetes", "diabetes"),
    "api_db_password": ("api", "postgres"),
    "postgres_monitor_password": ("monitor", "postgres"),
}
"""Role and a database by secret, on the main server."""


@pytest.fixture(scope="module")
def settings() -> Iterator[StackSettings]:
    """The secrets of a stack and its two servers, with their databases and roles."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv("SECRETS_DIR", raising=False)
        settings = StackSettings.load(
            _env_file=None, local_dir=Path(folder), postgres_port=free_port(), mlflow_postgres_port=free_port()
        )
        Path(folder).chmod(0o755)
        settings.paths.create()
        prepare_secrets(settings)
        with (
            running(_forgetful(main_postgres(settings)), Path(folder) / "main.log"),
            running(_forgetful(mlflow_postgres(settings)), Path(folder) / "mlflow.log"),
        ):
            create_databases(settings)
            yield settings


def _forgetful(server: PostgresServer) -> PostgresServer:
    return PostgresServer(server.data_dir, server.port, server.superuser_password, options=FORGETFUL)


def start(settings: StackSettings) -> None:
    """What a start of the stack does with passwords."""
    for server in (main_postgres(settings), mlflow_postgres(settings)):
        server.wait()
    create_databases(settings)


def log_in(settings: StackSettings, role: str, database: str, password: str, port: int | None = None) -> None:
    login: dict[str, Any] = {"user": role, "dbname": database, "password": password}
    psycopg2.connect(host="127.0.0.1", port=port or settings.postgres_port, **login).close()


def run_and_kill(action: Callable[[], object], module: Any, name: str, *, before: bool) -> None:
    """Run in a child process that is killed before or after the function of this name."""
    child = os.fork()
    if child == 0:
        original = getattr(module, name)

        def killing(*arguments: Any) -> None:
            if not before:
                original(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(module, name, killing)
        try:
            action()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("name", LOGINS)
def test_a_rotated_role_has_the_new_password_after_a_start_and_open_sessions_go_on(
    name: str, settings: StackSettings
) -> None:
    role, database = LOGINS[name]
    former = settings.paths.read_secret(name)
    login: dict[str, Any] = {"host": "127.0.0.1", "port": settings.postgres_port, "dbname": database, "user": role}
    with closing(psycopg2.connect(**login, password=former)) as session, session.cursor() as cursor:
        rotate_secret(settings.paths.secrets, name)
        start(settings)
        log_in(settings, role, database, settings.paths.read_secret(name))
        cursor.execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        log_in(settings, role, database, former)


@pytest.mark.parametrize("name", SUPERUSERS)
def test_a_rotated_superuser_has_the_new_password_after_a_start(name: str, settings: StackSettings) -> None:
    port = settings.postgres_port if name == SUPERUSERS[0] else settings.mlflow_postgres_port
    former = settings.paths.read_secret(name)
    rotate_secret(settings.paths.secrets, name)
    rotate_secret(settings.paths.secrets, name)  # twice, without a start in between
    start(settings)
    log_in(settings, "postgres", "postgres", settings.paths.read_secret(name), port)
    assert former_passwords(settings.paths.secrets, name) == []
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        log_in(settings, "postgres", "postgres", former, port)


KILLS: dict[str, tuple[Any, str, bool]] = {
    "before the former password is written": (rotate, "replace_file", True),
    "after the former password is written": (rotate, "replace_file", False),
    "before the server has the new one": (cluster, "_set_password", True),
    "after the server has the new one": (cluster, "_set_password", False),
    "before the former password is forgotten": (provisioning, "forget_former", True),
}


@pytest.mark.parametrize("step", KILLS)
def test_a_killed_rotation_of_a_superuser_is_finished_by_a_start_or_by_the_next_rotation(
    step: str, settings: StackSettings
) -> None:
    secrets, (name, _) = settings.paths.secrets, SUPERUSERS

    def rotate_and_start() -> None:
        rotate_secret(secrets, name)
        start(settings)

    module, function, before = KILLS[step]
    for finish in (lambda: start(settings), rotate_and_start):
        run_and_kill(rotate_and_start, module, function, before=before)
        finish()
        log_in(settings, "postgres", "postgres", settings.paths.read_secret(name))
        assert former_passwords(secrets, name) == []


def test_no_log_of_the_server_contains_a_password(settings: StackSettings) -> None:
    with closing(main_postgres(settings).connect()) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET log_statement = 'all'")
        cursor.execute("SELECT pg_reload_conf()")
        rotate_secret(settings.paths.secrets, "api_db_password")
        rotate_secret(settings.paths.secrets, SUPERUSERS[0])
        start(settings)
        cursor.execute("ALTER SYSTEM RESET log_statement")
        cursor.execute("SELECT pg_reload_conf()")
    log = (settings.paths.home / "main.log").read_text()
    assert "ALTER ROLE" in log
    assert "SCRAM-SHA-256$" in log
    for name in ("api_db_password", SUPERUSERS[0]):
        assert settings.paths.read_secret(name) not in log


def test_another_name_of_the_database_or_its_owner_is_refused(settings: StackSettings) -> None:
    with pytest.raises(StackError, match="DIABETES_DB_NAME=other has no data, which are in diabetes: set it back"):
        create_databases(settings.model_copy(update={"diabetes_db_name": "other"}))
    with pytest.raises(StackError, match="DIABETES_DB_USER=other does not own the data, diabetes does: set it back"):
        create_databases(settings.model_copy(update={"diabetes_db_user": "other"}))


def test_what_airflow_has_encrypted_is_encrypted_with_the_new_fernet_key_also_after_a_kill(
    settings: StackSettings,
) -> None:
    """With Airflow's tables and its own commands."""
    paths = settings.paths
    former = paths.read_secret(FERNET_KEY)
    url = database_url(main_postgres(settings), "airflow", "airflow", paths.read_secret("airflow_db_password"))
    airflow = Airflow(airflow_environment(paths.airflow, url, AIRFLOW__CORE__FERNET_KEY=former))
    airflow.run("-m", "airflow", "db", "migrate")
    airflow.run("-m", "airflow", "connections", "add", "ward", "--conn-type", "http", "--conn-password", "of the ward")

    rotate_secret(paths.secrets, FERNET_KEY)
    run_and_kill(lambda: finish_fernet_rotation(settings), provisioning, "forget_former", before=True)
    assert paths.read_secret(FERNET_KEY).endswith(f",{former}")
    rotate_secret(paths.secrets, FERNET_KEY)
    finish_fernet_rotation(settings)

    key = paths.read_secret(FERNET_KEY)
    assert "," not in key
    with closing(main_postgres(settings).connect("airflow")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT password FROM connection WHERE conn_id = 'ward'")
        ((stored,),) = cursor.fetchall()
    assert Fernet(key).decrypt(stored.encode()) == b"of the ward"
    with pytest.raises(InvalidToken):
        Fernet(former).decrypt(stored.encode())
