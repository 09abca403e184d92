"""Upgrades an installation to the release of this checkout, or returns it to the backup made before the migrations."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from infra.backup.artifacts import files_in
from infra.backup.create import create_backup
from infra.backup.files import locked
from infra.backup.manifest import BackupManifest, backups_in
from infra.backup.postgres import connect, rows
from infra.backup.restoring.checks import check_tables
from infra.backup.settings import Platform
from infra.local import recovery
from infra.local.errors import StackError
from infra.local.postgres.servers import main_postgres
from infra.local.preflight import check_machine
from infra.local.provisioning import backup_settings
from infra.local.stack import Stack
from infra.local.upgrading.journal import Journal, delete_journal, read_journal
from infra.local.upgrading.verification import aliases_of, check_migrated, check_served
from ml.core.build import UNKNOWN
from ml.core.errors import PlatformError
from ml.core.release import Release


def upgrade(stack: Stack, console: Console) -> None:
    """Back up, migrate, start and verify; if that fails, restore the backup. Interrupted, it is finished or undone.

    Raises:
        PlatformError: with the reason; the state is that of before.
    """
    if not main_postgres(stack.settings).initialised:
        raise StackError("There is nothing to upgrade yet: make up creates the databases.")
    state, log = stack.settings.paths.backup_state, None
    with locked(stack.settings.paths.run, "upgrade"):
        journal = read_journal(state) or _begin(stack, console)
        if not journal.failure:
            try:
                _migrate(stack, journal, console)
            except (PlatformError, OSError) as error:
                journal, log = replace(journal, failure=str(error)), getattr(error, "log", None)
                journal.write(state)
        if journal.failure:
            reason = _go_back(stack, journal, console)
            raise StackError(reason, log)
        delete_journal(state)
    console.print(f"Upgraded to {Release.present()}; the state of before is in {journal.backup}.", soft_wrap=True)


def _begin(stack: Stack, console: Console) -> Journal:
    """Check what can be checked, stop what writes, and make the backup; a failure changes nothing."""
    stack.check_unfinished(upgrading=True)
    if not stack.supervisor.running:  # else its memory is not free
        check_machine(stack.settings)
    settings, platform = backup_settings(stack.settings)
    folder, passphrase = settings.backup_folder, settings.backup_passphrase.get_secret_value()
    with recovery.running_databases(stack):
        check_tables(platform)
        _check_space(platform, folder)
        stopped = stack.stop_services()
        try:
            backup = create_backup(platform, folder, settings.backup_keep, passphrase, recovery.reporter(console))
            journal = Journal(str(backup), aliases_of(platform))
            journal.write(platform.state)
        except BaseException:
            for name in stopped:
                stack.supervisor.start(name)
            raise
    return journal


def _check_space(platform: Platform, folder: Path) -> None:
    """Check that the disks have space for the backup, and for the copy that a restore of it makes.

    Raises:
        StackError: a disk has too little.
    """
    artifacts, databases = sum(path.stat().st_size for path in files_in(platform.artifacts)), 0
    for database in platform.databases:
        with connect(database.server, database.name) as connection:
            ((size,),) = rows(connection, "SELECT pg_database_size(current_database())")
        databases += size
    for place in (folder, platform.artifacts):
        place.mkdir(parents=True, exist_ok=True)
    needs = (
        (folder, databases + (0 if backups_in(folder) else artifacts)),  # unchanged artifacts are links
        (platform.state.parent, databases),
        (platform.artifacts, artifacts),
    )
    for place, _ in needs:
        needed = sum(size for other, size in needs if other.stat().st_dev == place.stat().st_dev)
        if (free := shutil.disk_usage(place).free) < needed:
            raise StackError(
                f"The disk of {place} has {free / 1e9:.1f} GB free, and the backup and the way back may need "
                f"{needed / 1e9:.1f} GB: free space, or set BACKUP_DIR to another disk."
            )


def _migrate(stack: Stack, journal: Journal, console: Console) -> None:
    _, platform = backup_settings(stack.settings)
    backup, report = Path(journal.backup), recovery.reporter(console)
    stack.down()
    stack.up(verify=lambda: check_migrated(platform, backup, journal.aliases, report))
    settings = stack.settings
    check_served(settings.url(settings.api_port), backup, settings.paths.logs / "api.log", report)


def _go_back(stack: Stack, journal: Journal, console: Console) -> str:
    """Restore the backup; returns the sentence with the reason and what to do."""
    console.print(f"[red]✗[/] {journal.failure}", soft_wrap=True)
    with suppress(StackError):  # a program that does not end: the restore says so if it uses a database
        stack.down()
    backup = Path(journal.backup)
    recovery.restore(stack, backup, replace=True, console=console)
    before = BackupManifest.read(backup)
    target = "what ran before (git reflog names it)" if before.commit == UNKNOWN else before.commit
    return (
        f"The upgrade failed ({journal.failure.rstrip('.')}), and the state of before is restored from {backup}: "
        f"git checkout {target}, then make up."
    )
