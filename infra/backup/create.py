"""Makes a backup: the databases in one state each, then files, then checks; it appears when it is complete."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from psycopg2 import extensions

from infra.backup import encryption
from infra.backup.artifacts import copy_artifacts, copy_grafana
from infra.backup.bundles import production_bundle
from infra.backup.errors import BackupError
from infra.backup.files import locked, remove
from infra.backup.manifest import (
    ID_FORMAT,
    BackupManifest,
    DatabaseEntry,
    FileEntry,
    backups_in,
    sha256_of,
)
from infra.backup.point_in_time.archive import remove_unneeded, size_of
from infra.backup.point_in_time.base_backups import FOLDER, make_base_backups
from infra.backup.postgres import connect, describe, dump, release_of, rows, snapshot
from infra.backup.settings import LEDGER_DATABASE, REGISTRY_DATABASE, Archive, Platform
from infra.backup.status import FAILED, SIZE, SUCCESS, WAL_SIZE, update_status
from ml.core.names import PUBLIC_KEYS

Report = Callable[[str], None]
PARTIAL: Final = ".partial-"
GRAFANA_FILE: Final = "grafana.db"
SNAPSHOT_TRIES: Final = 5


def create_backup(platform: Platform, folder: Path, keep: int, passphrase: str, report: Report) -> Path:
    """Make a backup in `folder`, and delete all but the newest `keep`; returns its folder.

    Raises:
        BackupError: with the reason. No backup appears then.
    """
    try:
        with locked(folder, "backup"):
            for rest in folder.glob(f"{PARTIAL}*"):
                remove(rest)
            if platform.archive and folder != platform.archive.backups:
                platform = replace(platform, archive=None)  # the WAL for base backups elsewhere would be deleted
            backup = write_backup(platform, folder, passphrase, report, _newest_readable(folder), _free_time(folder))
            _thin_out(folder, keep, report)
            wal = _thin_out_wal(platform.archive) if platform.archive else {}
    except BackupError:
        update_status(platform.state, **{FAILED: 1})
        raise
    except OSError as error:
        update_status(platform.state, **{FAILED: 1})
        raise BackupError(f"The backup failed and left nothing behind: {error.strerror} ({error.filename}).") from error
    manifest = BackupManifest.read(backup)
    update_status(platform.state, **{FAILED: 0, SUCCESS: manifest.finished_at.timestamp(), SIZE: manifest.size}, **wal)
    return backup


def write_backup(
    platform: Platform, folder: Path, passphrase: str, report: Report, previous: Path | None, started: datetime
) -> Path:
    """Write a backup with the name of the time `started` to `folder`; unchanged artifacts are links to `previous`.

    Raises:
        BackupError: with the reason. No backup appears then.
    """
    backup_id = started.strftime(ID_FORMAT)
    draft = folder / f"{PARTIAL}{backup_id}"
    draft.mkdir(mode=0o750)
    try:
        bases = make_base_backups(platform, draft, report) if platform.archive else {}
        with ExitStack() as stack:
            snapshots = _consistent_snapshots(platform, stack)
            databases = _dump_databases(platform, snapshots, draft, report)
            artifacts = _copy_artifacts(platform, draft, previous, report)
            production = production_bundle(snapshots[REGISTRY_DATABASE][0], draft)
            migrated_by = release_of(snapshots[LEDGER_DATABASE][0])
        if production:
            report(f"Production version {production.version} is intact and answers {len(production.answers)} requests")
        if copy_grafana(platform.grafana, draft / GRAFANA_FILE):
            report("Grafana's state is copied")
        secrets = encryption.read_secrets(platform.secrets, platform.airflow_logins)
        _write_secrets(secrets, passphrase, backup_id, draft, report)
        manifest = BackupManifest(
            id=backup_id,
            started_at=started,
            finished_at=datetime.now(UTC),
            release=migrated_by.version,
            commit=migrated_by.commit,
            databases=databases,
            bases=bases,
            production=production,
            secrets=bool(passphrase),
            fingerprints=encryption.fingerprints(secrets),
            signing_public_key=secrets.get(PUBLIC_KEYS),
            files=_entries(draft) | artifacts,
        )
        manifest.write(draft)
        _publish(draft, folder / backup_id)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    report(f"{folder / backup_id}: {_megabytes(manifest.size)}, {len(manifest.files)} files")
    return folder / backup_id


def _free_time(folder: Path) -> datetime:
    """Now, or a second later if a backup of this second exists: its time is its name."""
    while (folder / (now := datetime.now(UTC).replace(microsecond=0)).strftime(ID_FORMAT)).exists():
        time.sleep(0.2)
    return now


def _newest_readable(folder: Path) -> Path | None:
    """The newest backup whose manifest is intact."""
    for backup in reversed(backups_in(folder)):
        with suppress(BackupError):
            BackupManifest.read(backup)
            return backup
    return None


def _consistent_snapshots(platform: Platform, stack: ExitStack) -> dict[str, tuple[extensions.connection, str]]:
    """Snapshots of all databases between two decisions of the gate, whose ledger and alias are in two of them."""
    for _ in range(SNAPSHOT_TRIES):
        with ExitStack() as attempt:
            opened = {each.key: attempt.enter_context(snapshot(each)) for each in platform.databases}
            ledger = platform.database(LEDGER_DATABASE)
            with connect(ledger.server, ledger.name) as connection:
                unchanged = _last_decision(connection) == _last_decision(opened[LEDGER_DATABASE][0])
            if unchanged:
                stack.push(attempt.pop_all())
                return opened
    raise BackupError("The gate's ledger changed during every attempt to read the databases in one state: try again.")


def _last_decision(connection: extensions.connection) -> object:
    if rows(connection, "SELECT to_regclass('gate_decisions')") == [(None,)]:
        return None
    return rows(connection, "SELECT max(id) FROM gate_decisions")


def _dump_databases(
    platform: Platform, snapshots: dict[str, tuple[extensions.connection, str]], draft: Path, report: Report
) -> dict[str, DatabaseEntry]:
    found = {}
    (draft / "databases").mkdir()
    for database in platform.databases:
        connection, name = snapshots[database.key]
        begun, target = time.monotonic(), draft / dump_file(database.key)
        entry = describe(connection)
        if entry.revision is None:
            raise BackupError(f"The database {database.name} has no tables yet, so there is nothing to back up.")
        dump(database, name, target)
        found[database.key] = entry
        size, count = target.stat().st_size, sum(entry.counts.values())
        report(f"Database {database.name}: {count:,} rows, {_megabytes(size)}, {time.monotonic() - begun:.1f} s")
    return found


def dump_file(key: str) -> str:
    """Path of a database's dump in a backup."""
    return f"databases/{key}.dump"


def _copy_artifacts(platform: Platform, draft: Path, previous: Path | None, report: Report) -> dict[str, FileEntry]:
    entries, copied, told = {}, 0, time.monotonic()
    for name, entry, linked in copy_artifacts(platform.artifacts, draft, previous):
        entries[name] = entry
        copied += 0 if linked else entry.size
        if time.monotonic() - told > 5:
            report(f"Artifacts: {len(entries):,} files so far")
            told = time.monotonic()
    total = sum(entry.size for entry in entries.values())
    report(f"Artifacts: {len(entries):,} files, {_megabytes(total)}, of which {_megabytes(copied)} new")
    return entries


def _write_secrets(secrets: dict[str, str], passphrase: str, backup_id: str, draft: Path, report: Report) -> None:
    if passphrase:
        (draft / encryption.SECRETS_FILE).write_bytes(encryption.encrypt(secrets, passphrase, backup_id))
        report(f"{len(secrets)} secrets are encrypted")
    else:
        report("Secrets and Airflow's logins are LEFT OUT: set BACKUP_PASSPHRASE to include them")


def _entries(draft: Path) -> dict[str, FileEntry]:
    """Entries of all files but the artifacts, which were read while they were copied."""
    paths = [
        *sorted((draft / "databases").iterdir()),
        *sorted((draft / FOLDER).glob("*/*")),
        *(draft / name for name in (GRAFANA_FILE, encryption.SECRETS_FILE)),
    ]
    return {
        path.relative_to(draft).as_posix(): FileEntry(size=path.stat().st_size, sha256=sha256_of(path))
        for path in paths
        if path.exists()
    }


def _publish(draft: Path, backup: Path) -> None:
    """Make the backup appear, once it is on the disk."""
    for path in draft.rglob("*"):
        if path.is_file() and path.stat().st_nlink == 1:  # a link shares its mode with earlier backups
            path.chmod(0o640)
    os.sync()
    draft.rename(backup)


def _thin_out(folder: Path, keep: int, report: Report) -> None:
    for old in backups_in(folder)[:-keep]:
        doomed = folder / f"{PARTIAL}{old.name}"  # an interrupted deletion leaves no half backup
        old.rename(doomed)
        remove(doomed)
        report(f"{old.name} is deleted: BACKUP_KEEP is {keep}")


def _thin_out_wal(archive: Archive) -> dict[str, float]:
    with suppress(BackupError):  # what a damaged backup needs is unknown
        remove_unneeded(archive)
    return {WAL_SIZE: size_of(archive)}


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
