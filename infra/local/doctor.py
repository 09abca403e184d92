"""Looking at every part of a stack that should be running."""

from infra.local.airflow_client import AirflowClient
from infra.local.errors import StackError
from infra.local.programs.stack import all_programs
from infra.local.stack import Stack


def examine(stack: Stack) -> list[StackError]:
    """Everything that is not as it should be, with the log that may tell why."""
    settings, states = stack.settings, stack.supervisor.states()
    if not states:
        return [StackError("The stack does not run: make up starts it.")]
    faults = []
    for program in all_programs(settings):
        log, found = settings.places.logs / f"{program.name}.log", states.get(program.name)
        if found is None:
            faults.append(StackError(f"{program.name} is not part of the running stack: make up adds it."))
        elif not found.running:
            faults.append(StackError(f"{program.name} is {found.state.lower()}: make up starts it again.", log=log))
        elif not program.is_ready(found.started_at):
            faults.append(StackError(f"{program.name} runs but does not do its work.", log=log))
    server = states.get("airflow-apiserver")
    if server is None or not server.running:
        return faults
    with AirflowClient(settings) as airflow:
        faults += [StackError(f"A DAG file cannot be imported: {error}") for error in airflow.import_errors()]
    return faults
