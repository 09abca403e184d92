"""The tables a person reads at the end."""

import time

from rich.table import Column, Table

from infra.local.programs.stack import all_programs
from infra.local.settings import StackSettings
from infra.local.stack import Stack

STYLES = {"RUNNING": "green", "STARTING": "yellow", "STOPPED": "dim"}


def service_table(settings: StackSettings) -> Table:
    """Every service with a page: its address and its login."""
    logins = {
        "airflow-apiserver": f"{settings.airflow_user} / {settings.airflow_password.get_secret_value()}",
        "grafana": f"{settings.grafana_user} / {settings.grafana_password.get_secret_value()}",
    }
    table = Table("service", "address", "login")
    for program in all_programs(settings):
        if program.address:
            table.add_row(program.name.removesuffix("-apiserver"), program.address, logins.get(program.name, "—"))
    return table


def status_table(stack: Stack) -> Table:
    """Every program: state, process, time since its start, address."""
    states = stack.supervisor.states()
    table = Table("program", "state", "process", "running for", Column("address", no_wrap=True))
    for program in all_programs(stack.settings) if states else []:
        found = states.get(program.name)
        if found is None:
            continue
        state = f"[{STYLES.get(found.state, 'red')}]{found.state.lower()}[/]"
        since = _duration(time.time() - found.started_at) if found.running else ""
        table.add_row(program.name, state, str(found.pid or ""), since, program.address or "")
    if not states:
        table.add_row("nothing runs: make up", "", "", "", "")
    return table


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
