"""Copies of files: MLflow's artifacts, unchanged ones as hard links to the backup before, and Grafana's database."""

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from infra.backup.manifest import BackupManifest, FileEntry, sha256_of

FOLDER: Final = "artifacts"
IGNORED: Final = frozenset({".gitkeep", ".restore"})
"""Names at the top of the artifact root that are not MLflow's."""


def copy_artifacts(source: Path, backup: Path, previous: Path | None) -> Iterator[tuple[str, FileEntry, bool]]:
    """Copy the artifacts; yields name, entry and whether the file was linked to the previous backup.

    A file that disappears while its folder is read was deleted by MLflow and is left out.
    """
    known = BackupManifest.read(previous).files if previous else {}
    for path in files_in(source):
        name = f"{FOLDER}/{path.relative_to(source).as_posix()}"
        target = backup / name
        try:
            status = path.stat()
            target.parent.mkdir(parents=True, exist_ok=True)
            entry = known.get(name)
            unchanged = entry and (entry.size, entry.mtime_ns) == (status.st_size, status.st_mtime_ns)
            if previous and entry and unchanged and _link(previous / name, target, entry):
                yield name, entry, True
            else:
                yield name, _copy(path, target), False
        except FileNotFoundError:
            target.unlink(missing_ok=True)


def files_in(folder: Path) -> Iterator[Path]:
    """All files of the artifact root."""
    for root, folders, names in os.walk(folder):
        if Path(root) == folder:
            folders[:] = [name for name in folders if name not in IGNORED]
            names = [name for name in names if name not in IGNORED]
        folders.sort()
        yield from (Path(root, name) for name in sorted(names))


def _link(earlier: Path, target: Path, entry: FileEntry) -> bool:
    """Link to the earlier copy if it is still intact."""
    try:
        if sha256_of(earlier) != entry.sha256:
            return False
        os.link(earlier, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return False
    return True


def _copy(source: Path, target: Path) -> FileEntry:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, target.open("xb") as writing:
        status = os.fstat(reading.fileno())
        while block := reading.read(1 << 20):
            writing.write(block)
            digest.update(block)
            size += len(block)
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
    return FileEntry(size=size, sha256=digest.hexdigest(), mtime_ns=status.st_mtime_ns)


def copy_tree(source: Path, target: Path) -> None:
    """Copy the artifacts of a backup; the files keep their modification time, so the next backup links them again."""
    target.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def copy_grafana(database: Path, target: Path) -> bool:
    """Copy Grafana's database in a consistent state while Grafana writes to it; returns whether there is one."""
    if not database.is_file():
        return False
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
    return True
