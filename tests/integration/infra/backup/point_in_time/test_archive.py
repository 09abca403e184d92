"""Archived WAL: nothing is lost or replaced when the archiving fails, and what no backup needs is deleted."""

import random
import shutil
import subprocess
from pathlib import Path

from infra.backup.create import create_backup
from infra.backup.manifest import BackupManifest
from infra.backup.status import WAL_SIZE, read_status
from infra.local.postgres.accounts import process_identity
from infra.local.postgres.cluster import binaries
from tests.integration.infra.backup.point_in_time.conftest import Archived, wait_until

SCRIPT = Path(__file__).parents[5] / "infra" / "postgres" / "server" / "archive_wal.sh"
WAITING = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"


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
        assert archived.rows(WAITING) >= [(1,)]
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


def archive(
    archived: Archived, source: Path, name: str, limit: str = "unlimited"
) -> "subprocess.CompletedProcess[str]":
    """Run the archive command as the server does; `limit` is the largest file that it can write, in blocks."""
    command = f'ulimit -f {limit}; exec sh "{SCRIPT}" "{archived.archive.wal}" "{source}" "{name}"'
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
    source.write_bytes(random.Random(5).randbytes(100_000))  # noqa: S311 - to be hardly compressible
    assert archive(archived, source, "B" * 24, limit="8").returncode != 0
    assert list(archived.archive.wal.glob(f"*/{'B' * 24}.gz")) == []
    assert archive(archived, source, "B" * 24).returncode == 0
    (target,) = archived.archive.wal.glob(f"*/{'B' * 24}*")
    assert subprocess.run(["gzip", "-dc", target], capture_output=True, check=True).stdout == source.read_bytes()
    target.unlink()
