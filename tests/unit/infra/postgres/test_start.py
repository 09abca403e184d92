"""Entry point of the servers in Docker Compose: they archive their WAL only where WAL_ARCHIVE_DIR is set."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "infra" / "postgres" / "server" / "start.sh"


def started(folder: Path, archive: str) -> list[str]:
    """Arguments that the entry point of the image gets."""
    entry_point = folder / "docker-entrypoint.sh"
    entry_point.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    entry_point.chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "WAL_ARCHIVE_DIR": archive}
    command = ["sh", "-eu", str(SCRIPT), "postgres", "-c", "max_connections=120"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("archive", ["", "wal-archive"])
def test_the_command_is_passed_on(archive: str, tmp_path: Path) -> None:
    assert started(tmp_path, archive)[:3] == ["postgres", "-c", "max_connections=120"]


def test_without_a_folder_nothing_else_is_set(tmp_path: Path) -> None:
    assert len(started(tmp_path, "")) == 3


def test_with_a_folder_wal_is_archived_every_minute_and_base_backups_need_a_password(tmp_path: Path) -> None:
    added = started(tmp_path, "wal-archive")[3:]
    assert added[1::2] == [
        "archive_mode=on",
        "archive_timeout=60",
        "hba_file=/server/pg_hba.conf",
        "archive_command=sh /server/archive_wal.sh /wal-archive %p %f",
    ]
    access = (SCRIPT.parent / "pg_hba.conf").read_text().splitlines()
    assert [line.split()[-1] for line in access if "replication postgres" in line] == ["scram-sha-256"]
