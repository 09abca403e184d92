"""State of the stack: table of services, table of processes, and diagnosis."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from infra.exposure import DEMONSTRATION
from infra.local.airflow_client import AirflowClient
from infra.local.errors import StackError
from infra.local.programs.services import all_programs
from infra.local.settings import StackSettings
from infra.local.stack import Stack

STYLES = {"running": "green", "starting": "yellow", "stopped": "dim"}
_NO_LIMIT = 10_000
"""Columns that no table has."""


def service_table(settings: StackSettings) -> Table:
    """Table of the services with a page: address and login."""
    logins = {
        "airflow-apiserver": _login(settings.airflow_user, settings.airflow_password, "AIRFLOW_PASSWORD"),
        "grafana": _login(settings.grafana_user, settings.grafana_password, "GRAFANA_PASSWORD"),
    }
    table = Table("service", "address", "login", box=None, pad_edge=False)
    for program in all_programs(settings):
        if program.address:
            table.add_row(program.name.removesuffix("-apiserver"), program.address, logins.get(program.name, "—"))
    return table


def _login(user: str, password: SecretStr, name: str) -> str:
    """User and password; a password of one's own is not printed."""
    is_known = password.get_secret_value() == DEMONSTRATION[name]
    return f"{user} / {DEMONSTRATION[name] if is_known else f'your {name}'}"


@dataclass(frozen=True)
class ProgramStatus:
    """State of one program; ``name`` is what ``make logs`` takes."""

    name: str
    state: str
    pid: int | None
    seconds: int | None  # since its start, while it runs
    address: str | None


def program_statuses(stack: Stack) -> list[ProgramStatus]:
    """The programs of the running stack; empty if it does not run."""
    states, now = stack.supervisor.states(), time.time()
    return [
        ProgramStatus(
            program.name,
            process.state.lower(),
            process.pid or None,
            int(now - process.started_at) if process.running else None,
            program.address,
        )
        for program in (all_programs(stack.settings) if states else [])
        if (process := states.get(program.name)) is not None
    ]


def status_table(statuses: Sequence[ProgramStatus]) -> Table:
    """Table of the programs: state, process, time since the start, address. Print it with :func:`print_whole`."""
    table = Table("program", "state", "process", "running for", "address", box=None, pad_edge=False)
    for status in statuses:
        state = f"[{STYLES.get(status.state, 'red')}]{status.state}[/]"
        since = "" if status.seconds is None else _duration(status.seconds)
        table.add_row(status.name, state, str(status.pid or ""), since, status.address or "")
    if not statuses:
        table.add_row("nothing runs: make up", "", "", "", "")
    return table


def print_whole(console: Console, table: Table) -> None:
    """Print a table at its own width: names and addresses are for copying, so none is cut at the terminal's."""
    width = console.width
    console.width = max(width, Measurement.get(console, console.options.update(width=_NO_LIMIT), table).maximum)
    console.print(table)
    console.width = width


def diagnose(stack: Stack) -> list[StackError]:
    """Return an error for every program that is not ready and every DAG file that cannot be imported."""
    settings, states = stack.settings, stack.supervisor.states()
    if not states:
        return [StackError("The stack does not run: make up starts it.")]
    errors = []
    for program in all_programs(settings):
        log, process = settings.paths.logs / f"{program.name}.log", states.get(program.name)
        if process is None:
            errors.append(StackError(f"{program.name} is not part of the running stack: make up adds it."))
        elif not process.running:
            errors.append(StackError(f"{program.name} is {process.state.lower()}: make up restarts it.", log=log))
        elif not program.is_ready(process.started_at):
            errors.append(StackError(f"{program.name} runs but is not ready.", log=log))
    server = states.get("airflow-apiserver")
    if server is not None and server.running:
        with AirflowClient(settings) as airflow:
            errors += [StackError(f"A DAG file cannot be imported: {error}") for error in airflow.import_errors()]
    return errors


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
