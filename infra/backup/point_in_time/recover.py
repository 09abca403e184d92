"""Makes a backup of the databases as they were at a time between two backups, which `restore_backup` can restore."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tarfile import TarError

from infra.backup import encryption
from infra.backup.create import write_backup
from infra.backup.errors import BackupError
from infra.backup.files import locked, remove
from infra.backup.manifest import BackupManifest, backups_in, damaged_files
from infra.backup.point_in_time.archive import complete
from infra.backup.point_in_time.base_backups import FOLDER
from infra.backup.point_in_time.copies import Workplace, running_copies
from infra.backup.postgres import connect, rows
from infra.backup.settings import Archive, Platform, Server

Report = Callable[[str], None]


@contextmanager
def backup_at(text: str, platform: Platform, place: Workplace, report: Report) -> Iterator[Path]:
    """A backup with the databases at that time and everything else as it is, until the context ends.

    Raises:
        BackupError: with the reason; nothing of the platform is changed.
    """
    archive = platform.archive
    if archive is None:
        raise BackupError("WAL_ARCHIVE_DIR is not set, so nothing but the backups themselves can be restored.")
    moment = parse_time(text, datetime.now(UTC))
    backup, manifest = find_base(archive, [*platform.servers], moment)
    _check(backup, manifest, platform)
    for name, server in platform.servers.items():
        if not complete(server, manifest.bases[name], archive.wal):
            report(f"The newest WAL of {name} cannot be archived: only what is in the archive is replayed")
    with locked(place.folder, "restore"):
        _clear(place.folder)
        try:
            report(f"From the base backup in {backup.name} to {moment:%Y-%m-%d %H:%M:%S} UTC")
            yield _recover(platform, archive.wal, place, backup, moment, report)
        finally:
            _clear(place.folder)


def _recover(platform: Platform, wal: Path, place: Workplace, backup: Path, moment: datetime, report: Report) -> Path:
    names = {server: name for name, server in platform.servers.items()}
    try:
        with running_copies(place, backup, BackupManifest.read(backup).bases, wal, moment) as servers:
            for name, server in servers.items():
                report(f"{name} is recovered; its last transaction ended at {_last_transaction(server)}")
            databases = tuple(replace(each, server=servers[names[each.server]]) for each in platform.databases)
            (place.folder / "backup").mkdir()
            past = replace(platform, databases=databases, archive=None)
            return write_backup(past, place.folder / "backup", "", lambda _: None, backup, moment)
    except (OSError, TarError) as error:
        raise BackupError(f"The recovery failed and changed nothing: {error}.") from error


def parse_time(text: str, now: datetime) -> datetime:
    """The time of an ISO 8601 text, in UTC.

    Raises:
        BackupError: the text is not a time with an offset, or the time is in the future.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BackupError(f"{text!r} is not a time: write it as 2026-11-29T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise BackupError(f"{text!r} has no offset from UTC: add Z for UTC, or one such as +02:00.")
    if moment > now:
        raise BackupError(f"{text} is in the future: it is {now:%Y-%m-%dT%H:%M:%SZ}.")
    return moment.astimezone(UTC)


def find_base(archive: Archive, servers: list[str], moment: datetime) -> tuple[Path, BackupManifest]:
    """The newest backup with base backups of all servers that were complete at that time.

    Raises:
        BackupError: there is none.
    """
    usable = []
    for backup in backups_in(archive.backups):
        with suppress(BackupError):  # a damaged one
            manifest = BackupManifest.read(backup)
            if manifest.bases.keys() == {*servers}:
                usable.append((max(base.finished_at for base in manifest.bases.values()), backup, manifest))
    if not usable:
        raise BackupError(
            f"No backup in {archive.backups} has base backups: WAL_ARCHIVE_DIR was not set when they were made."
        )
    earlier = [(backup, manifest) for finished_at, backup, manifest in usable if finished_at <= moment]
    if not earlier:
        oldest = usable[0][0].astimezone(UTC)
        raise BackupError(
            f"{moment:%Y-%m-%dT%H:%M:%SZ} is before the oldest base backup, which ended at {oldest:%Y-%m-%dT%H:%M:%SZ}."
        )
    return earlier[-1]


def _check(backup: Path, manifest: BackupManifest, platform: Platform) -> None:
    """Refuse a base backup that is damaged, of another PostgreSQL, or of a platform with other secrets.

    Raises:
        BackupError: with the reason.
    """
    files = {name: entry for name, entry in manifest.files.items() if name.startswith(f"{FOLDER}/")}
    if damaged := next(damaged_files(backup, manifest.model_copy(update={"files": files})), None):
        raise BackupError(f"The backup {backup} is damaged: {damaged}.")
    for name, server in platform.servers.items():
        with connect(server) as connection:
            ((version,),) = rows(connection, "SELECT current_setting('server_version_num')::int / 10000")
        copied = manifest.bases[name].server_version // 10_000
        if copied != version:
            raise BackupError(
                f"The base backup is of PostgreSQL {copied}, and {name} is {version}: restore {backup} itself."
            )
    present = encryption.fingerprints(encryption.read_secrets(platform.secrets, platform.airflow_logins))
    changed = [name for name, value in manifest.fingerprints.items() if present.get(name) != value]
    if changed:
        raise BackupError(f"Secret {changed[0]} was replaced since the base backup: restore {backup} itself.")


def _last_transaction(copy: Server) -> str:
    with connect(copy) as connection:
        ((ended_at,),) = rows(connection, "SELECT pg_last_xact_replay_timestamp()")
    return "an earlier time" if ended_at is None else f"{ended_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clear(folder: Path) -> None:
    """Delete all but the lock."""
    for path in folder.iterdir():
        if path.name != ".lock":
            remove(path)
