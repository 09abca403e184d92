"""Archived WAL and base backups take the databases back to a time between two backups; failures lose no row."""

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.backup.create import create_backup
from infra.backup.errors import BackupError
from infra.backup.manifest import BackupManifest
from infra.backup.point_in_time.copies import Workplace
from infra.backup.point_in_time.recover import backup_at
from infra.backup.restoring.restore import restore_backup
from infra.backup.settings import Archive, Database, Platform, Server
from infra.backup.status import WAL_SIZE, read_status
from infra.local.postgres.accounts import process_identity
from infra.local.postgres.cluster import PostgresServer, binaries, running
from infra.local.postgres.servers import archiving, prepare_archive
from infra.local.supervision.probes import free_port
from ml.core.release import NEWEST_REVISION

ROOT = Path(__file__).parents[4]
REVISIONS = {"diabetes": NEWEST_REVISION, "mlflowdb": "0584bdc529eb", "airflow": "937cbd173ca1"}
"""Of migrations that this release knows."""
ENCOUNTERS = "SELECT array_agg(id ORDER BY id) FROM raw_data"


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
        ((ids,),) = self.rows(ENCOUNTERS)
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
        ((name,),) = self.rows("SELECT pg_walfile_name(pg_switch_wal()) FROM pg_current_xact_id()")
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
        table = "schema_version" if key == "diabetes" else "alembic_version"
        found.rows(f"CREATE TABLE {table} (version_num text); INSERT INTO {table} VALUES ('{revision}')", key)
    found.rows("CREATE TABLE raw_data (id int); INSERT INTO raw_data SELECT generate_series(1, 10)")
    return found


def test_a_wrong_delete_is_undone_with_all_that_came_before_it(archived: Archived) -> None:
    archived.back_up()
    archived.rows("INSERT INTO raw_data VALUES (11)")
    (archived.platform.artifacts / "later").write_text("a version of later")
    before = archived.now()
    archived.rows("DELETE FROM raw_data WHERE id < 8")
    archived.rows("INSERT INTO raw_data VALUES (12)")
    said: list[str] = []

    archived.go_back(before.isoformat(), said.append)

    assert archived.encounters() == [*range(1, 12)]
    assert (archived.platform.artifacts / "later").read_text() == "a version of later"
    assert any("postgres is recovered; its last transaction ended at 20" in line for line in said)
    assert said[-1] == f"Restored: the state of {before.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    assert [path.name for path in (archived.platform.state / "copies").iterdir()] == [".lock"]


def test_the_return_can_itself_be_undone(archived: Archived) -> None:
    archived.back_up()
    before = archived.now()
    archived.rows("INSERT INTO raw_data VALUES (11)")
    after = archived.now()

    archived.go_back(before.isoformat())
    assert archived.encounters() == [*range(1, 11)]
    archived.go_back(after.astimezone(UTC).isoformat().replace("+00:00", "Z"))
    assert archived.encounters() == [*range(1, 12)]


def test_without_the_server_of_before_the_archived_wal_is_enough(archived: Archived, tmp_path: Path) -> None:
    archived.back_up()
    archived.rows("INSERT INTO raw_data VALUES (11)")
    before = archived.now()
    archived.archive_all()
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        Path(name).chmod(0o711)
        new = PostgresServer(Path(name) / "data", free_port(), "q", options=archiving(archived.archive.wal))
        login = Server(new.host, new.port, "q")
        databases = tuple(replace(each, server=login) for each in archived.platform.databases)
        lost = Archived(replace(archived.platform, databases=databases), new, archived.archive)
        with running(new, tmp_path / "new.log"):
            lost.go_back(before.isoformat())
            assert lost.encounters() == [*range(1, 12)]
            lost.archive_all()
    _, of_lost = sorted(archived.archive.wal.iterdir())  # each has a folder of its own: the names of segments are equal
    shutil.rmtree(of_lost)


def moved_wal(archived: Archived, _: Path) -> None:
    archived.archive_all()
    for path in archived.archive.wal.glob("*/*.gz"):
        path.unlink()
    archived.archive_all()


def replaced_secret(archived: Archived, _: Path) -> None:
    (archived.platform.secrets / "airflow_fernet_key").write_text("another")


def truncated_base(_: Archived, backup: Path) -> None:
    base = backup / "base" / "postgres" / "base.tar.gz"
    base.write_bytes(base.read_bytes()[:-1])


def other_version(_: Archived, backup: Path) -> None:
    manifest = BackupManifest.read(backup)
    base = manifest.bases["postgres"].model_copy(update={"server_version": 150004})
    manifest.model_copy(update={"bases": {"postgres": base}}).write(backup)


def without_bases(_: Archived, backup: Path) -> None:
    BackupManifest.read(backup).model_copy(update={"bases": {}}).write(backup)


def unchanged(_: Archived, __: Path) -> None:
    """Only the time is wrong."""


REFUSED: dict[str, tuple[Callable[[Archived, Path], None], str, str]] = {
    "no time": (unchanged, "yesterday", "'yesterday' is not a time: write it as 2026-11-29T12:00:00Z"),
    "no offset": (unchanged, "2026-01-31T12:00:00", "has no offset from UTC"),
    "the future": (unchanged, "2999-01-31T12:00:00Z", "is in the future: it is 20"),
    "before the oldest base backup": (unchanged, "2020-01-31T12:00:00+02:00", "2020-01-31T10:00:00Z is before the oldest"),
    "only backups without base backups": (without_bases, "now", "has base backups: WAL_ARCHIVE_DIR was not set"),
    "a missing segment": (moved_wal, "now", "of postgres ends before that time: its next file, [0-9A-F]{24}, is missing"),
    "a replaced secret": (replaced_secret, "now", "Secret airflow_fernet_key was replaced since the base backup: restore"),
    "a truncated base backup": (truncated_base, "now", r"damaged: base/postgres/base.tar.gz has [\d,]+ bytes instead of"),
    "another PostgreSQL": (other_version, "now", "is of PostgreSQL 15, and postgres is 18"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_time_that_cannot_be_reached_is_refused_and_nothing_changes(name: str, archived: Archived) -> None:
    change, moment, reason = REFUSED[name]
    backup = archived.back_up()
    archived.rows("INSERT INTO raw_data VALUES (11)")
    change(archived, backup)
    moment = archived.now().isoformat() if moment == "now" else moment

    with pytest.raises(BackupError, match=reason):
        archived.go_back(moment)

    assert archived.encounters() == [*range(1, 12)]
    assert archived.rows("SELECT count(*) FROM pg_database WHERE datname ~ '__'") == [(0,)]


def test_without_archiving_a_time_is_refused(archived: Archived) -> None:
    off = Archived(replace(archived.platform, archive=None), archived.server, archived.archive)
    with pytest.raises(BackupError, match="WAL_ARCHIVE_DIR is not set"):
        off.go_back("2026-01-31T12:00:00Z")


def test_a_failing_archive_loses_no_row_and_is_counted(archived: Archived) -> None:
    (folder,) = (path for path in archived.archive.wal.iterdir() if path.is_dir())
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("no folder, so that every attempt fails")
    ((failed,),) = archived.rows("SELECT failed_count FROM pg_stat_archiver")
    archived.rows("INSERT INTO raw_data VALUES (11)")
    ((segment,),) = archived.rows("SELECT pg_walfile_name(pg_switch_wal())")
    try:
        wait_until(lambda: archived.rows("SELECT failed_count FROM pg_stat_archiver")[0][0] > failed)
        archived.rows("INSERT INTO raw_data VALUES (12); CHECKPOINT")
        assert archived.encounters() == [*range(1, 13)]
        assert archived.rows(f"SELECT count(*) FROM pg_ls_waldir() WHERE name = '{segment}'") == [(1,)]
    finally:
        folder.unlink()
        aside.rename(folder)
    last = archived.archive_all()
    assert {segment, last} <= archived.wal()


def test_only_the_wal_since_the_oldest_kept_base_backup_is_kept(archived: Archived) -> None:
    archived.back_up()
    archived.archive_all()
    kept = archived.back_up()
    first = BackupManifest.read(kept).bases["postgres"].first_wal
    assert min(archived.wal()) < first
    newest = archived.back_up(keep=2)
    archived.archive_all()
    assert min(archived.wal()) == first
    shutil.rmtree(kept)
    archived.back_up(keep=2)
    assert min(archived.wal()) == BackupManifest.read(newest).bases["postgres"].first_wal
    size = sum(path.stat().st_size for path in archived.archive.wal.rglob("*.gz"))
    assert 0 < read_status(archived.platform.state)[WAL_SIZE] <= size


def test_a_backup_elsewhere_has_no_base_backup_and_removes_no_wal(archived: Archived, tmp_path: Path) -> None:
    archived.back_up()
    present = archived.wal()
    elsewhere = create_backup(archived.platform, tmp_path / "elsewhere", 1, "", print)
    assert BackupManifest.read(elsewhere).bases == {}
    assert present <= archived.wal()


def archive(archived: Archived, source: Path, name: str, limit: str = "unlimited") -> "subprocess.CompletedProcess[str]":
    """Run the archive command as the server does; `limit` is the largest file that it can write, in blocks."""
    script = ROOT / "infra" / "postgres" / "server" / "archive_wal.sh"
    command = f'ulimit -f {limit}; exec sh "{script}" "{archived.archive.wal}" "{source}" "{name}"'
    return subprocess.run(
        ["sh", "-c", command],
        cwd=archived.server.data_dir,
        env={"PATH": f"{binaries()}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        **process_identity(archived.server.account),
    )


def test_an_archived_file_is_accepted_again_and_never_replaced_by_another(archived: Archived) -> None:
    source = archived.platform.state / "source"
    source.write_bytes(b"a" * 100_000)
    assert archive(archived, source, "A" * 24).returncode == 0
    assert archive(archived, source, "A" * 24).returncode == 0
    source.write_bytes(b"b" * 100_000)

    done = archive(archived, source, "A" * 24)

    assert done.returncode == 1
    assert "exists and is not a copy of" in done.stderr
    (target,) = archived.archive.wal.glob(f"*/{'A' * 24}.gz")
    assert subprocess.run(["gzip", "-dc", target], capture_output=True, check=True).stdout == b"a" * 100_000
    target.unlink()


def test_on_a_full_disk_nothing_appears_in_the_archive_and_the_next_attempt_succeeds(archived: Archived) -> None:
    source = archived.platform.state / "source"
    source.write_bytes(random.Random(5).randbytes(100_000))
    assert archive(archived, source, "B" * 24, limit="8").returncode != 0
    assert list(archived.archive.wal.glob(f"*/{'B' * 24}.gz")) == []
    assert archive(archived, source, "B" * 24).returncode == 0
    (target,) = archived.archive.wal.glob(f"*/{'B' * 24}*")
    assert subprocess.run(["gzip", "-dc", target], capture_output=True, check=True).stdout == source.read_bytes()
    target.unlink()
