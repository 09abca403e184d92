"""The PostgreSQL that our server logs its predictions to while it is measured."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml import migrations
from ml.core.settings import MlSettings
from ml.warehouse.connection import warehouse

NICENESS: Final = 19
"""PostgreSQL shares a core with the client, which it must not delay: that would be taken for the server's time."""
_NAME: Final = "bench"


@contextmanager
def database(folder: Path) -> Iterator[dict[str, str]]:
    """Start it with its data in `folder` and the tables in place; returns how to log in, as settings."""
    server = PostgresServer(folder / "postgres", free_port(), secrets.token_urlsafe(16))
    password = secrets.token_urlsafe(16)
    with running(server, folder / "postgres.log"):
        for process in psutil.Process().children(recursive=True):  # and whom it starts later
            with suppress(psutil.NoSuchProcess):
                process.nice(NICENESS)
        server.ensure_database(_NAME, _NAME, password)
        login = {
            "POSTGRES_HOST": server.host,
            "POSTGRES_PORT": str(server.port),
            "DIABETES_DB_NAME": _NAME,
            "DIABETES_DB_USER": _NAME,
            "DIABETES_DB_PASSWORD": password,
        }
        given = {name.lower(): value for name, value in login.items()}
        with warehouse(MlSettings.load(_env_file=None, **given)) as engine:
            migrations.upgrade(engine)
        yield login
