"""The PostgreSQL that the service logs its predictions to while it is measured."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from bench.database import fresh_database, postgres

NICENESS: Final = 19
"""PostgreSQL shares a core with the client and must not delay it, because that would count as time of the server."""


@contextmanager
def logging_database(folder: Path) -> Iterator[dict[str, str]]:
    """Start a migrated database with its data in the folder; yields its address and login as environment variables."""
    with postgres(folder) as server:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.nice(NICENESS)
        with fresh_database(server) as settings:
            names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
            login = {name.upper(): str(getattr(settings, name)) for name in names}
            yield login | {"DIABETES_DB_PASSWORD": settings.diabetes_db_password.get_secret_value()}
