"""State of the stack: table of services, table of processes, and diagnosis."""

import time

from rich.table import Column, Table

from infra.local.airflow_client import AirflowClient
from infra.local.errors import StackError
from infra.local.programs.services import all_programs
from infra.local.settings import StackSettings
from infra.local.stack import Stack

STYLES = {"RUNNING": "green", "STARTING": "yellow", "STOPPED": "dim"}


def service_table(settings: StackSettings) -> Table:
    """Table of the services with a page: address and login."""
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
    """Table of the programs: state, process, time since the start, address."""
    states = stack.supervisor.states()
    table = Table("program", "state", "process", "running for", Column("address", no_wrap=True))
    for program in all_programs(stack.settings) if states else []:
        process = states.get(program.name)
        if process is None:
            continue
        state = f"[{STYLES.get(process.state, 'red')}]{process.state.lower()}[/]"
        since = _duration(time.time() - process.started_at) if process.running else ""
        table.add_row(program.name, state, str(process.pid or ""), since, program.address or "")
    if not states:
        table.add_row("nothing runs: make up", "", "", "", "")
    return table


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
