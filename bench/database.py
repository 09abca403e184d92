"""A PostgreSQL server and migrated databases for a benchmark."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml import migrations
from ml.core.names import API_ROLE
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse

_ROLE: Final = "bench"
API_PASSWORD: Final = secrets.token_urlsafe(16)


@contextmanager
def postgres(folder: Path, niceness: int = 0) -> Iterator[PostgresServer]:
    """A server with its data in the folder and the settings of the native stack."""
    server = PostgresServer(folder / "postgres", free_port(), secrets.token_urlsafe(16))
    with running(server, folder / "postgres.log"):
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.nice(niceness)
        yield server


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[MlSettings]:
    """Settings for a migrated database without rows, dropped at the end."""
    name, password = f"bench_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    server.ensure_database(name, _ROLE, password)
    server.ensure_role(API_ROLE, API_PASSWORD)
    settings = MlSettings.load(
        _env_file=None,
        postgres_host=server.host,
        postgres_port=server.port,
        diabetes_db_name=name,
        diabetes_db_user=_ROLE,
        diabetes_db_password=password,
    )
    try:
        with warehouse(settings) as engine:
            migrations.upgrade(engine)
        yield settings
    finally:
        server.drop_database(name)


@contextmanager
def logging_database(folder: Path) -> Iterator[dict[str, str]]:
    """Start a database for the prediction log of a measured service; yields its environment variables.

    PostgreSQL shares a core with the client and must not delay it, because that would count as time of the service.
    """
    with postgres(folder, niceness=19) as server, fresh_database(server) as settings:
        names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
        login = {name.upper(): str(getattr(settings, name)) for name in names}
        yield login | {"API_DB_PASSWORD": API_PASSWORD}
