"""The two PostgreSQL servers of the native stack."""

import shlex
from pathlib import Path

from infra.local.errors import StackError
from infra.local.postgres.accounts import change_owner
from infra.local.postgres.cluster import PostgresServer, binaries
from infra.local.settings import ROOT, StackSettings
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
    options = archiving(settings.wal_archive) if settings.wal_archive else {}
    return PostgresServer(paths.postgres / folder, port, paths.read_secret(secret), former, options=options)


def archiving(folder: Path) -> dict[str, str]:
    """PostgreSQL options that archive WAL to a folder, at least once a minute."""
    script = ROOT / "infra" / "postgres" / "server" / "archive_wal.sh"
    command = f'PATH={shlex.quote(str(binaries()))}:"$PATH" sh {shlex.quote(str(script))} {shlex.quote(str(folder))}'
    command = command.replace("%", "%%")
    return {"archive_mode": "on", "archive_timeout": "60", "archive_command": f"{command} %p %f"}


def prepare_archive(server: PostgresServer, folder: Path) -> None:
    """Create the folder of the archived WAL, for the account of the server.

    Raises:
        StackError: the folder cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"WAL_ARCHIVE_DIR {folder} cannot be created: {error.strerror}.") from None
    if server.account is not None:
        change_owner(server.account, folder, binaries())
