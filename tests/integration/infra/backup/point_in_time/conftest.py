"""A small platform whose one server archives its WAL."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.backup.create import create_backup
from infra.backup.point_in_time.copies import Workplace
from infra.backup.point_in_time.recover import backup_at
from infra.backup.restoring.restore import restore_backup
from infra.backup.settings import Archive, Database, Platform, Server
from infra.local.postgres.cluster import PostgresServer, running
from infra.local.postgres.servers import archiving, prepare_archive
from infra.local.supervision.probes import free_port
from ml.core.release import NEWEST_REVISION

REVISIONS = {"diabetes": NEWEST_REVISION, "mlflowdb": "0584bdc529eb", "airflow": "937cbd173ca1"}
"""Of migrations that this release knows."""
REVISION_TABLES = {"diabetes": "schema_version", "mlflowdb": "alembic_version", "airflow": "alembic_version"}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass(frozen=True)
class Archived:
    """A small platform, whose one server archives its WAL."""

    platform: Platform
    server: PostgresServer
    archive: Archive

    def rows(self, statement: str, database: str = "diabetes") -> list[tuple[Any, ...]]:
        with closing(self.server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def encounters(self) -> list[int]:
        ((ids,),) = self.rows("SELECT array_agg(id ORDER BY id) FROM raw_data")
        return list(ids or [])

    def now(self) -> datetime:
        ((moment,),) = self.rows("SELECT clock_timestamp()")
        assert isinstance(moment, datetime)
        return moment

    def back_up(self, keep: int = 7) -> Path:
        return create_backup(self.platform, self.archive.backups, keep, "", print)

    def wal(self) -> set[str]:
        """Names of the archived segments."""
        return {path.name.removesuffix(".gz") for path in self.archive.wal.glob("*/*.gz") if len(path.name) == 27}

    def archive_all(self) -> str:
        """Have everything until now archived; returns the last segment."""
        self.rows("SELECT pg_current_xact_id()")
        ((name,),) = self.rows("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until(lambda: name in self.wal())
        return str(name)

    def go_back(self, moment: str, said: Callable[[str], None] = print) -> None:
        place = Workplace(self.platform.state / "copies", self.server.data_dir, is_served=False)
        with backup_at(moment, self.platform, place, said) as backup:
            restore_backup(self.platform, backup, "", said, lambda: None)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        options = {"fsync": "off", **archiving(folder / "wal")}
        server = PostgresServer(folder / "data", free_port(), "p", options=options)
        server.initialise()
        prepare_archive(server, folder / "wal")
        with running(server, folder / "postgres.log"):
            yield server


@pytest.fixture
def archived(server: PostgresServer, tmp_path: Path) -> Archived:
    """The platform with ten encounters, a file of MLflow's and a secret."""
    login = Server(server.host, server.port, server.superuser_password)
    archive = Archive(server.data_dir.with_name("wal"), tmp_path / "backups")
    platform = Platform(
        databases=tuple(Database(key, key, key, login) for key in REVISIONS),
        artifacts=tmp_path / "artifacts",
        grafana=tmp_path / "grafana" / "grafana.db",
        airflow_logins=tmp_path / "airflow" / "passwords.json",
        secrets=tmp_path / "secrets",
        model_cache=tmp_path / "cache",
        # Not below pytest's folder, which the server's account cannot enter.
        state=Path(tempfile.mkdtemp(dir=server.data_dir.parent)),
        archive=archive,
    )
    platform.state.chmod(0o711)
    for folder in (platform.artifacts, platform.secrets, platform.grafana.parent, platform.airflow_logins.parent):
        folder.mkdir()
    (platform.artifacts / "model").write_text("before")
    (platform.secrets / "airflow_fernet_key").write_text("key")
    found = Archived(platform, server, archive)
    for key, revision in REVISIONS.items():
        server.drop_database(key)
        server.ensure_database(key, key, "p")
        found.rows(f"CREATE TABLE {REVISION_TABLES[key]} AS SELECT text '{revision}' AS version_num", key)
    found.rows("CREATE TABLE raw_data (id int); INSERT INTO raw_data SELECT generate_series(1, 10)")
    return found
