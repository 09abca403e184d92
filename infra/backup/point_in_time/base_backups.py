"""Base backups: the files of the servers, from which archived WAL is replayed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.backup.manifest import BaseEntry
from infra.backup.point_in_time.archive import is_archiving
from infra.backup.postgres import connect, copy_cluster, rows
from infra.backup.settings import Platform, Server

FOLDER: Final = "base"
"""In a backup: a folder for each server."""
_DESCRIPTION: Final = """
    SELECT system_identifier::text, current_setting('server_version_num')::int, pg_walfile_name(%s::pg_lsn),
        clock_timestamp() FROM pg_control_system()
"""


def make_base_backups(platform: Platform, backup: Path, report: Callable[[str], None]) -> dict[str, BaseEntry]:
    """Make a base backup of every server that archives its WAL.

    Raises:
        BackupError: with the reason of `pg_basebackup`.
    """
    found = {}
    for name, server in platform.servers.items():
        begun, target = time.monotonic(), backup / FOLDER / name
        if is_archiving(server):
            target.mkdir(parents=True)
            copy_cluster(server, target)
            found[name] = _describe(server, target)
            size = sum(path.stat().st_size for path in target.iterdir())
            report(f"Base backup of {name}: {size / 1e6:,.1f} MB, {time.monotonic() - begun:.1f} s")
        else:
            report(f"{name} does not archive its WAL yet: make up (Compose: docker compose up -d) starts it anew")
    return found


def _describe(server: Server, target: Path) -> BaseEntry:
    start = json.loads((target / "backup_manifest").read_text())["WAL-Ranges"][0]["Start-LSN"]
    with connect(server) as connection:
        ((cluster, version, first_wal, finished_at),) = rows(connection, _DESCRIPTION, start)
    return BaseEntry(server_version=version, cluster=cluster, first_wal=first_wal, finished_at=finished_at)
