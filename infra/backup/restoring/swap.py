"""Exchanges the present state for the restored one, with a journal: after a sudden end it is finished or undone."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from infra.backup.artifacts import IGNORED
from infra.backup.errors import BackupError
from infra.backup.files import remove, write_atomically
from infra.backup.restoring.databases import BEFORE, RESTORED, drop_all, return_names, swap_names
from infra.backup.settings import Platform

JOURNAL: Final = "restore.json"
STAGE: Final = ".restore"
"""Folder in the artifact root with the restored and the earlier artifacts: on the same file system, hence renamed."""


@dataclass(frozen=True)
class Journal:
    """What a restore was doing: before ``swapping`` it is undone, from then on it is finished."""

    backup: str
    phase: Literal["preparing", "swapping", "moving", "cleaning"]


def read_journal(state: Path) -> Journal | None:
    """The journal of an interrupted restore."""
    try:
        return Journal(**json.loads((state / JOURNAL).read_text()))
    except FileNotFoundError:
        return None


def write_journal(state: Path, journal: Journal) -> None:
    """Record the phase, durably."""
    state.mkdir(parents=True, exist_ok=True)
    write_atomically(state / JOURNAL, json.dumps(asdict(journal)))


def staged(file: Path) -> Path:
    """Where the restored file waits beside the present one."""
    return file.with_name(f".{file.name}.restored")


def swap(platform: Platform, backup: str) -> None:
    """Exchange databases and files.

    Raises:
        BackupError: the databases are in use; everything is as before.
    """
    write_journal(platform.state, Journal(backup, "swapping"))
    try:
        swap_names(platform)
    except BackupError:
        return_names(platform)
        write_journal(platform.state, Journal(backup, "preparing"))
        raise
    _finish(platform, backup)


def _finish(platform: Platform, backup: str) -> None:
    _move_artifacts(platform, backup)
    for path in _staged_files(platform):
        target = path.with_name(path.name.removeprefix(".").removesuffix(".restored"))
        if target == platform.grafana:
            for rest in ("-journal", "-wal", "-shm"):
                remove(target.with_name(target.name + rest))
        path.replace(target)
    if platform.model_cache.is_dir():  # versions after the backup, whose numbers will be given again
        for entry in platform.model_cache.iterdir():
            remove(entry)
    write_journal(platform.state, Journal(backup, "cleaning"))
    discard(platform)


def _move_artifacts(platform: Platform, backup: str) -> None:
    """Two steps, each of which can be repeated: the present ones out, the restored ones in."""
    stage = platform.artifacts / STAGE
    journal = read_journal(platform.state)
    if journal is None or journal.phase == "swapping":
        (stage / "old").mkdir(exist_ok=True)
        for entry in list(platform.artifacts.iterdir()):
            if entry.name not in IGNORED:
                entry.replace(stage / "old" / entry.name)
        write_journal(platform.state, Journal(backup, "moving"))
    for entry in list((stage / "new").iterdir()):
        entry.replace(platform.artifacts / entry.name)


def _staged_files(platform: Platform) -> list[Path]:
    folders = (platform.secrets, platform.grafana.parent, platform.airflow_logins.parent)
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob(".*.restored"))]


def discard(platform: Platform) -> None:
    """Delete what a restore leaves: the earlier state after a swap, the restored one without."""
    drop_all(platform, RESTORED)
    drop_all(platform, BEFORE)
    remove(platform.artifacts / STAGE)
    for path in _staged_files(platform):
        remove(path)
    with suppress(FileNotFoundError):
        (platform.state / JOURNAL).unlink()


def resume(platform: Platform) -> str | None:
    """Finish or undo an interrupted restore; returns the backup that is restored now, if it was finished.

    Raises:
        BackupError: the databases cannot be reached or are in use.
    """
    journal = read_journal(platform.state)
    if journal is None:
        return None
    if journal.phase == "preparing":
        discard(platform)
        return None
    if journal.phase != "cleaning":
        swap_names(platform)
        _finish(platform, journal.backup)
    discard(platform)
    return journal.backup
