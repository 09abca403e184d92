"""Command line of backup and restore: ``python -m infra.backup``. The native stack adds starts and stops around it."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.backup.create import create_backup
from infra.backup.point_in_time.copies import Workplace
from infra.backup.point_in_time.recover import backup_at
from infra.backup.restoring.checks import check_idle
from infra.backup.restoring.restore import restore_backup
from infra.backup.restoring.verify import verify_backup
from infra.backup.schedule import Schedule
from infra.backup.settings import ROOT, BackupSettings, Platform, platform_of
from infra.backup.status import read_status
from ml.core.errors import PlatformError

app = typer.Typer(
    help="Backs up, verifies and restores the databases, artifacts, secrets and logins of the platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)
STARTED = time.monotonic()
COPIES = Path("/var/lib/postgresql/data")
"""Folder of the service postgres-copies in Docker Compose, in both containers."""


def report(text: str) -> None:
    """Print a line with the seconds since the start."""
    console.print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", markup=False, soft_wrap=True)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Print an expected error as one line, and end with status 1."""
    try:
        yield
    except PlatformError as error:
        console.print(f"✗ {error}", markup=False, soft_wrap=True)
        sys.exit(1)


def _load() -> tuple[BackupSettings, Platform]:
    settings = BackupSettings.load()
    return settings, platform_of(settings, Path(os.environ.get("SECRETS_DIR") or ROOT / settings.local_dir / "secrets"))


@app.command()
def create(
    to: Annotated[Path | None, typer.Option("--to", help="folder of the backups, instead of BACKUP_DIR")] = None,
) -> None:
    """Make a backup while the stack runs."""
    with errors_in_one_line():
        _create(to)


def _create(to: Path | None = None) -> None:
    """With the present settings and secrets, also in a schedule: passwords are rotated while it runs."""
    settings, platform = _load()
    folder = to.resolve() if to else settings.backup_folder
    create_backup(platform, folder, settings.backup_keep, settings.backup_passphrase.get_secret_value(), report)


@app.command()
def restore(
    source: Annotated[Path | None, typer.Option("--from", help="a backup, or a folder of them: the newest")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="also replace another platform")] = False,
    to_time: Annotated[
        str | None, typer.Option("--to-time", help="a time since the oldest base backup: 2026-11-29T12:00:00Z")
    ] = None,
) -> None:
    """Replace the present state by that of a backup, or of a time. The stack must not run, but for its databases."""
    with errors_in_one_line(), ExitStack() as stack:
        settings, platform = _load()
        check_idle(platform)
        folder = source.resolve() if source else settings.backup_folder
        if to_time:
            place = Workplace(COPIES / "copies", owner=COPIES, is_served=True)
            folder = stack.enter_context(backup_at(to_time, platform, place, report))
        passphrase = settings.backup_passphrase.get_secret_value()
        restore_backup(platform, folder, passphrase, report, lambda: check_idle(platform), replace)


@app.command()
def verify(
    source: Annotated[Path | None, typer.Option("--from", help="a backup, or a folder of them: the newest")] = None,
) -> None:
    """Restore a backup into a throwaway place, and check it as a restore does."""
    with errors_in_one_line():
        settings = BackupSettings.load()
        folder = source.resolve() if source else settings.backup_folder
        verify_backup(folder, settings.backup_passphrase.get_secret_value(), settings.state_folder, report)


@app.command()
def schedule() -> None:
    """Make a backup every day at BACKUP_AT, and verify one every week, until the process is ended."""
    with errors_in_one_line():
        settings = BackupSettings.load()
        passphrase = settings.backup_passphrase.get_secret_value()
        folder, state = settings.backup_folder, settings.state_folder
        Schedule(
            settings.backup_at,
            lambda: read_status(state),
            _create,
            lambda: verify_backup(folder, passphrase, state, report),
            report,
        ).run_forever()


if __name__ == "__main__":
    app()
