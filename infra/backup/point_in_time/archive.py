"""The archived WAL: what base backups need of it, what is missing in it, and how it is completed up to now."""

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from infra.backup.manifest import BackupManifest, BaseEntry, backups_in
from infra.backup.postgres import connect, execute, rows
from infra.backup.settings import Archive, Server

_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
"""File name of a WAL segment: timeline, log file and segment, 8 hexadecimal digits each. Other names begin with one."""
_SEGMENTS: Final = 256
"""Of a log file: segments have 16 MB."""
ARCHIVE_SECONDS: Final = 60.0
_PRESENT: Final = "SELECT system_identifier::text, current_setting('archive_mode') FROM pg_control_system()"


def is_archiving(server: Server) -> bool:
    """Whether the running server archives its WAL; the setting takes effect at its start."""
    with connect(server) as connection:
        return rows(connection, "SHOW archive_mode") == [("on",)]


def complete(server: Server, base: BaseEntry, wal: Path, seconds: float = ARCHIVE_SECONDS) -> bool:
    """Have the server archive all that it did until now; returns whether that is done.

    It is not where the base backup is of another cluster, whose data are lost, or where the archiving fails.
    """
    with connect(server) as connection:
        if rows(connection, _PRESENT) != [(base.cluster, "on")]:
            return False
        execute(connection, "SELECT pg_current_xact_id()")  # recovery to a time ends at a commit after it
        ((name,),) = rows(connection, "SELECT pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + seconds
    while not (found := _file(wal, base, name).exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def first_missing(base: BaseEntry, wal: Path) -> str:
    """Name of the first segment since the base backup that is not in the archive."""
    name = base.first_wal
    while _file(wal, base, name).exists():
        log, segment = divmod(int(name[8:16], 16) * _SEGMENTS + int(name[16:], 16) + 1, _SEGMENTS)
        name = f"{name[:8]}{log:08X}{segment:08X}"
    return name


def _file(wal: Path, base: BaseEntry, name: str) -> Path:
    return wal / base.cluster / f"{name}.gz"


def remove_unneeded(archive: Archive) -> None:
    """Delete the WAL that no base backup needs: of each cluster what is older than its oldest base backup.

    Of a cluster without a base backup nothing is deleted.

    Raises:
        BackupError: a backup cannot be read, so what it needs is unknown.
    """
    needed: dict[str, str] = {}
    for base in _bases(backups_in(archive.backups)):
        needed[base.cluster] = min(base.first_wal, needed.get(base.cluster, base.first_wal))
    for cluster, first in needed.items():
        for path in (archive.wal / cluster).glob("*.gz"):
            if _SEGMENT.match(path.name) and path.name[8:24] < first[8:]:  # whatever the timeline
                path.unlink()


def _bases(backups: Iterable[Path]) -> list[BaseEntry]:
    return [base for backup in backups for base in BackupManifest.read(backup).bases.values()]


def size_of(archive: Archive) -> int:
    """Bytes of all files of the archive."""
    return sum(path.stat().st_size for path in archive.wal.rglob("*.gz"))
