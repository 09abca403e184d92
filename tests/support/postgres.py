"""A PostgreSQL server of the tests: the wheel's, with durability off, in a directory that goes away."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
"""Settings for data that nobody will miss."""


@contextmanager
def running_postgres(folder: Path) -> Iterator[PostgresServer]:
    """Start a server with its data in `folder`, and end it with the context."""
    server = PostgresServer(folder / "data", free_port(), secrets.token_urlsafe(16), options=FORGETFUL)
    with running(server, folder / "postgres.log"):
        yield server


def database_url(server: PostgresServer, database: str, user: str, password: str) -> str:
    """SQLAlchemy URL of a database of the server."""
    return f"postgresql+psycopg2://{user}:{quote(password, safe='')}@{server.host}:{server.port}/{database}"
