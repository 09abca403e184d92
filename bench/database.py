"""A PostgreSQL server and migrated databases for a benchmark."""

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml import migrations
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse

_ROLE: Final = "bench"


def postgres(folder: Path) -> AbstractContextManager[PostgresServer]:
    """A server with its data in the folder and the settings of the native stack."""
    server = PostgresServer(folder / "postgres", free_port(), secrets.token_urlsafe(16))
    return running(server, folder / "postgres.log")


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[MlSettings]:
    """Settings for a migrated database without rows, dropped at the end."""
    name, password = f"bench_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    server.ensure_database(name, _ROLE, password)
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
