"""Backup and restore of the native stack: starts what they need, and stops what writes meanwhile."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from infra.backup.create import create_backup
from infra.backup.point_in_time.copies import Workplace
from infra.backup.point_in_time.recover import backup_at
from infra.backup.restoring.restore import restore_backup
from infra.backup.restoring.swap import read_journal
from infra.backup.restoring.verify import verify_backup
from infra.backup.settings import BackupSettings
from infra.local.errors import StackError
from infra.local.postgres.cluster import running
from infra.local.postgres.servers import main_postgres, mlflow_postgres
from infra.local.provisioning import backup_settings, create_databases, initialise_clusters, prepare_secrets
from infra.local.stack import DATABASES, Stack
from infra.local.supervision.supervisor import STACK_VARIABLE
from infra.local.upgrading.journal import delete_journal


def back_up(stack: Stack, to: Path | None, console: Console) -> None:
    """Make a backup, also while the stack runs; without it the databases run for the time of the backup.

    Raises:
        PlatformError: with the reason; no backup appears then.
    """
    if not main_postgres(stack.settings).initialised:
        raise StackError("There are no databases to back up yet: make up creates them.")
    settings, platform = backup_settings(stack.settings)
    folder = to.resolve() if to else settings.backup_folder
    with running_databases(stack):
        create_backup(platform, folder, settings.backup_keep, _passphrase(settings), reporter(console))


def restore(stack: Stack, source: Path | str, replace: bool, console: Console) -> None:
    """Replace the present state by that of a backup, or of a time, an ISO 8601 text.

    A running stack is stopped for the exchange and started again.

    An interrupted upgrade ends with it.

    Raises:
        PlatformError: with the reason; the present state is unchanged.
    """
    stack.settings.paths.create()
    prepare_secrets(stack.settings)
    initialise_clusters(stack.settings)
    settings, platform = backup_settings(stack.settings)
    platform.artifacts.mkdir(parents=True, exist_ok=True)
    stopped: list[str] = []

    def stop_services() -> None:
        stopped.extend(stack.stop_services())

    try:
        with running_databases(stack), ExitStack() as recovered:
            create_databases(stack.settings)
            report = reporter(console)
            if isinstance(source, str):
                place = Workplace(platform.state / "copies", main_postgres(stack.settings).data_dir, is_served=False)
                source = recovered.enter_context(backup_at(source, platform, place, report))
            restore_backup(platform, source.resolve(), _passphrase(settings), report, stop_services, replace)
            # A backup of an earlier release has earlier tables: the next start migrates them.
            (stack.settings.paths.postgres / "migrated.json").unlink(missing_ok=True)
            delete_journal(platform.state)
    finally:
        if stopped and read_journal(platform.state) is None:
            stack.up()


def verify(source: Path | None, console: Console) -> None:
    """Restore a backup into a throwaway place and check it.

    Raises:
        PlatformError: the backup cannot be restored.
    """
    settings = BackupSettings.load()
    folder = source.resolve() if source else settings.backup_folder
    verify_backup(folder, _passphrase(settings), settings.state_folder, reporter(console))


@contextmanager
def running_databases(stack: Stack) -> Iterator[None]:
    """Both servers: those of the running stack, else started here and stopped at the end."""
    with ExitStack() as started:
        if not any(process.running for name, process in stack.supervisor.states().items() if name in DATABASES):
            os.environ[STACK_VARIABLE] = str(stack.settings.paths.home)  # make down finds what outlives this process
            for server in (main_postgres(stack.settings), mlflow_postgres(stack.settings)):
                if not server.is_ready():
                    log = stack.settings.paths.logs / f"{server.data_dir.name}-backup.log"
                    started.enter_context(running(server, log))
        yield


def _passphrase(settings: BackupSettings) -> str:
    return settings.backup_passphrase.get_secret_value()


def reporter(console: Console) -> Callable[[str], None]:
    """Prints a line for each step that is done."""
    return lambda text: console.print(f"[green]✓[/] {text}", soft_wrap=True)
