"""Command line of the native stack: ``python -m infra.local``."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from infra.local import recovery
from infra.local.demo import run_demo
from infra.local.errors import StackError
from infra.local.settings import ROOT, StackSettings
from infra.local.stack import Stack
from infra.local.status import diagnose, print_whole, program_statuses, service_table, status_table
from infra.local.upgrading.upgrade import upgrade as run_upgrade
from ml.core.errors import PlatformError
from ml.core.proxies import bypass_proxy

app = typer.Typer(
    help="The platform on this machine, without Docker and without root.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)
LOG_LINES = 20


@contextmanager
def open_stack() -> Iterator[Stack]:
    """Yield the stack of the current settings; expected errors end the program with one line and status 1."""
    os.chdir(ROOT)
    try:
        settings = StackSettings.load()
        bypass_proxy(settings.url(settings.api_port))  # all programs of the stack have this host
        yield Stack(settings, console)
    except PlatformError as error:
        print_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("Interrupted; started programs keep running: make status shows them, make down stops them.")
        sys.exit(130)


def print_error(error: PlatformError) -> None:
    """Print an error, and the last lines of its log if it has one."""
    console.print(f"[red]✗[/] {error}", soft_wrap=True)
    if isinstance(error, StackError) and error.log is not None and error.log.exists():
        console.print(f"[dim]end of {error.log}:[/]", soft_wrap=True)
        for line in error.log.read_text(errors="replace").splitlines()[-LOG_LINES:]:
            console.print(Text(line, style="dim"), soft_wrap=True)


@app.command()
def demo() -> None:
    """Start everything, ingest and train through Airflow, and make a prediction."""
    with open_stack() as stack:
        run_demo(stack, console)


@app.command()
def up() -> None:
    """Start the programs that do not run, and wait until all are ready."""
    with open_stack() as stack:
        stack.up()
        print_whole(console, service_table(stack.settings))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """Show the state, process and address of every program."""
    with open_stack() as stack:
        statuses = program_statuses(stack)
    if as_json:
        typer.echo(json.dumps([asdict(status) for status in statuses], indent=1))
    else:
        print_whole(console, status_table(statuses))


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="a program, as make status names it")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="also show new lines")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1)] = 50,
) -> None:
    """Show the last lines of a program's log."""
    with open_stack() as stack:
        folder = stack.settings.paths.logs
        path = folder / f"{name}.log"
        if not path.exists():
            names = ", ".join(sorted(log.stem for log in folder.glob("*.log"))) or "none yet"
            raise StackError(f"There is no log of {name!r}: the logs are {names}.")
        command = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(path)]  # -F: through rotations
        os.execvp(command[0], command)  # noqa: S606 - no shell is needed


@app.command()
def down() -> None:
    """Stop all programs of this stack, and no others."""
    with open_stack() as stack:
        console.print("The stack is down." if stack.down() else "Nothing was running.")


@app.command()
def clean(yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Stop the stack and delete its databases, logs, secrets and downloads."""
    with open_stack() as stack:
        home = stack.settings.paths.home
        if not home.exists():
            console.print("There is nothing to remove.")
            return
        if not yes and not typer.confirm(f"Remove {home} with all databases, model records and secrets?"):
            raise StackError("Nothing was removed.")
        stack.clean()
        console.print("Removed. The artifacts in mlruns/ stay, because Docker Compose may use them.")


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option("--to", help="folder of the backups, else BACKUP_DIR")] = None,
) -> None:
    """Back up databases, artifacts, secrets and logins, also while the stack runs."""
    with open_stack() as stack:
        recovery.back_up(stack, to, console)


@app.command()
def restore(
    source: Annotated[Path, typer.Option("--from", help="a backup, or a folder of them: the newest")],
    replace: Annotated[bool, typer.Option("--replace", help="also replace another platform's backup")] = False,
) -> None:
    """Replace the present state by that of a backup; a running stack is stopped for it and started again."""
    with open_stack() as stack:
        recovery.restore(stack, source, replace, console)
        if not stack.supervisor.running:
            console.print("The stack is down: make up starts it with the restored state.")


@app.command("restore-to")
def restore_to(time: Annotated[str, typer.Argument(help="such as 2026-11-29T12:00:00Z")]) -> None:
    """Return to a time since the oldest base backup; a running stack is stopped for it and started again."""
    with open_stack() as stack:
        recovery.restore(stack, time, False, console)


@app.command()
def upgrade() -> None:
    """Upgrade to the release of this checkout: backup, migrations, start and verification, else back to the backup."""
    with open_stack() as stack:
        run_upgrade(stack, console)
        print_whole(console, service_table(stack.settings))


@app.command("backup-verify")
def backup_verify(
    source: Annotated[Path | None, typer.Option("--from", help="a backup, or a folder of them: the newest")] = None,
) -> None:
    """Restore a backup into a throwaway place, and check it."""
    with open_stack():
        recovery.verify(source, console)


@app.command()
def rotate(names: Annotated[list[str], typer.Argument(help="secrets, as their files are named")]) -> None:
    """Replace secrets by new ones, and restart the programs that use them."""
    with open_stack() as stack:
        stack.rotate(names)


@app.command()
def doctor() -> None:
    """Check every program, and show errors with the end of the log."""
    with open_stack() as stack:
        errors = diagnose(stack)
        for error in errors:
            print_error(error)
        if errors:
            sys.exit(1)
        console.print("[green]✓[/] everything runs and is ready.")


if __name__ == "__main__":
    app()
