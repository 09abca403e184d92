"""A PostgreSQL server of the tests: the wheel's, with durability off, in a directory that goes away."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml.core.names import API_ROLE

API_PASSWORD = secrets.token_urlsafe(16)
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
"""Settings for data that nobody will miss."""


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    """Start a server with its data in `folder`, and end it with the context."""
    server = PostgresServer(folder / "data", free_port(), secrets.token_urlsafe(16), options=FORGETFUL)
    with running(server, folder / "postgres.log"):
        server.ensure_role(API_ROLE, API_PASSWORD)  # before the migrations, which grant it what it may do
        yield server


def end_connections(server: PostgresServer, application: str) -> None:
    """End the connections of an application; none of the platform's roles may end those of another."""
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(end, (application,))


def database_url(server: PostgresServer, database: str, user: str, password: str) -> str:
    """SQLAlchemy URL of a database of the server."""
    return f"postgresql+psycopg2://{user}:{quote(password, safe='')}@{server.host}:{server.port}/{database}"
