"""``python -m infra.local``: the platform on this machine, without Docker and without root."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from infra.local.demo import run_demo
from infra.local.doctor import examine
from infra.local.errors import StackError
from infra.local.report import service_table, status_table
from infra.local.settings import ROOT, StackSettings
from infra.local.stack import Stack
from infra.local.supervision.logs import follow, show_tail, tail
from ml.core.errors import PlatformError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)


@contextmanager
def stack() -> Iterator[Stack]:
    """The stack of the present settings; what goes wrong on purpose ends the program with one line and 1."""
    os.chdir(ROOT)
    try:
        yield Stack(StackSettings.load(), console)
    except PlatformError as error:
        console.print(f"[red]✗[/] {error}", soft_wrap=True)
        if isinstance(error, StackError) and error.log is not None:
            show_tail(console, error.log)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("Interrupted; what was started goes on: make status shows it, make down ends it.")
        sys.exit(130)


@app.command()
def demo() -> None:
    """Start everything, ingest and train through Airflow, and make a prediction."""
    with stack() as present:
        run_demo(present, console)


@app.command()
def up() -> None:
    """Start what does not run yet, and wait until it does its work."""
    with stack() as present:
        present.up()
        console.print(service_table(present.settings))


@app.command()
def status() -> None:
    """Show every program: its state, its process and its address."""
    with stack() as present:
        console.print(status_table(present))


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="a program, as make status names it")],
    follows: Annotated[bool, typer.Option("--follow", "-f", help="go on with what is added")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1)] = 50,
) -> None:
    """Show the last lines of a program's log."""
    with stack() as present:
        folder = present.settings.places.logs
        path = folder / f"{name}.log"
        if not path.exists():
            known = ", ".join(sorted(found.stem for found in folder.glob("*.log"))) or "none yet"
            raise StackError(f"There is no log of {name!r}: the logs are {known}.")
        for line in tail(path, lines):
            sys.stdout.write(f"{line}\n")
        if follows:
            for line in follow(path):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


@app.command()
def down() -> None:
    """End everything that was started here, and nothing else."""
    with stack() as present:
        console.print("The stack is down." if present.down() else "Nothing was running.")


@app.command()
def clean(yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """End the stack and remove its databases, logs, secrets and downloads."""
    with stack() as present:
        home = present.settings.places.home
        if not home.exists():
            console.print("There is nothing to remove.")
            return
        if not yes and not typer.confirm(f"Remove {home} with all databases, models' records and secrets?"):
            raise StackError("Nothing was removed.")
        present.clean()
        console.print("Removed. The artifacts in mlruns/ are left, since Docker Compose may use them.")


@app.command()
def doctor() -> None:
    """Look at every part, and show what fails with the end of its log."""
    with stack() as present:
        faults = examine(present)
        for fault in faults:
            console.print(f"[red]✗[/] {fault}", soft_wrap=True)
            if fault.log is not None:
                show_tail(console, fault.log)
        if faults:
            sys.exit(1)
        console.print("[green]✓[/] everything runs and does its work.")


if __name__ == "__main__":
    app()
