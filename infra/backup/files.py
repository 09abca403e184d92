"""Atomic writes, owners, and the lock that keeps two backups or restores apart."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.backup.errors import BackupError


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file: a reader sees the old text or the new one."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    draft.touch(mode=mode)
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def adopt_owner(path: Path, like: Path) -> None:
    """Give a path and all below it the owner of `like`, where this process is root."""
    if os.geteuid() != 0:
        return
    owner = like.stat()
    for entry in (path, *path.rglob("*")):
        os.chown(entry, owner.st_uid, owner.st_gid, follow_symlinks=False)


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Hold the lock of a folder; the end of the process releases it.

    Raises:
        BackupError: another process holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError as error:
        raise BackupError(
            f"{folder} cannot be written ({error.strerror}): choose another folder or change its owner."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another {what} is running in {folder}: wait until it has ended.") from None
        yield


def remove(path: Path) -> None:
    """Delete a file or a folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
