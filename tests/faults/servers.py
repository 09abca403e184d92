"""MLflow and PostgreSQL as servers that can be ended, for real, and started again on the same port."""

import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import create_engine

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml import migrations
from ml.core.names import API_ROLE
from tests.support.mlflow import running_mlflow
from tests.support.postgres import FORGETFUL, database_url


class MlflowServer:
    """A real MLflow server."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.artifacts = folder / "artifacts"
        self._database_url = database_url
        self._folder = folder
        self._port = free_port()
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._running.enter_context(running_mlflow(self._database_url, self._folder, self._port))

    def stop(self) -> None:
        self._running.close()

    def kill(self) -> None:
        """End every process of the server without any clean-up."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it has ended
                if process.environ().get("MLFLOW_PORT") == str(self._port):
                    process.kill()
        self.stop()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped while the context lasts; a test that fails leaves it running for the next one."""
        self.stop()
        try:
            yield
        finally:
            self.start()


class Database:
    """A real PostgreSQL server with the migrated ``diabetes`` database in it."""

    def __init__(self, folder: Path, options: Mapping[str, str] = FORGETFUL) -> None:
        self._server = PostgresServer(folder / "data", free_port(), secrets.token_urlsafe(16), options=options)
        self._log = folder / "postgres.log"
        self._password = secrets.token_urlsafe(16)
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """Where a link passes connections on to."""
        return f"postgresql://{self._server.host}:{self._server.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which the service and the commands find it."""
        return {
            "POSTGRES_HOST": self._server.host,
            "POSTGRES_PORT": str(self._server.port),
            "API_DB_PASSWORD": self._password,
            "DIABETES_DB_PASSWORD": self._password,
            "PREDICTION_LOG": "true",
        }

    def start(self) -> None:
        self._running.enter_context(running(self._server, self._log))

    def stop(self) -> None:
        self._running.close()

    def stop_immediately(self) -> None:
        """As ``pg_ctl stop -m immediate``: no transaction ends, and the next start recovers from the log."""
        os.kill(self._pid, signal.SIGQUIT)
        self.stop()

    def url_of(self, name: str) -> str:
        """SQLAlchemy URL of another database, which is created unless it exists."""
        self._server.ensure_database(name, name, self._password)
        return database_url(self._server, name, name, self._password)

    @property
    def _pid(self) -> int:
        return int((self._server.data_dir / "postmaster.pid").read_text().split()[0])

    def migrate(self) -> None:
        """Make roles, database and tables."""
        self._server.ensure_role(API_ROLE, self._password)
        self._server.ensure_database("diabetes", "diabetes", self._password)
        engine = create_engine(database_url(self._server, "diabetes", "diabetes", self._password))
        migrations.upgrade(engine)
        engine.dispose()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its processes take no turn: connections open, and nobody answers."""
        main = psutil.Process(self._pid)
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def rows(self, query: str, database: str = "diabetes") -> list[tuple[Any, ...]]:
        """What a query finds."""
        with closing(self._server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def column(self, query: str) -> list[Any]:
        """The first column of what a query finds."""
        return [row[0] for row in self.rows(query)]
