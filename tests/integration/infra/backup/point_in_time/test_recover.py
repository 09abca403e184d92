"""Databases go back to a time between two backups; a time that cannot be reached changes nothing."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from infra.backup.errors import BackupError
from infra.backup.manifest import BackupManifest
from infra.backup.settings import Server
from infra.local.postgres.cluster import PostgresServer, running
from infra.local.postgres.servers import archiving
from infra.local.supervision.probes import free_port
from tests.integration.infra.backup.point_in_time.conftest import Archived


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
    "before every base backup": (unchanged, "2020-01-31T12:00:00+02:00", "2020-01-31T10:00:00Z is before the oldest"),
    "only backups without base backups": (without_bases, "now", "has base backups: WAL_ARCHIVE_DIR was not set"),
    "a missing segment": (moved_wal, "now", "of postgres ends before that time: its next file, [0-9A-F]{24}"),
    "a replaced secret": (replaced_secret, "now", "Secret airflow_fernet_key was replaced since the base"),
    "a truncated base backup": (truncated_base, "now", r"damaged: base/postgres/base.tar.gz has [\d,]+ bytes"),
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
