"""Waits for DAGs and shows the tasks of a run."""

import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from infra.local.airflow_client import AirflowClient
from infra.local.errors import StackError

POLL_SECONDS = 1.0
PARSING_SECONDS = 180
LOG_LINES = 25
FINISHED_STATES = ("success", "failed")
MARKS = {"success": "[green]✓[/]", "skipped": "[dim]–[/]", "up_for_retry": "[yellow]↻[/]"}


def wait_for_dags(airflow: AirflowClient, dag_ids: tuple[str, ...]) -> None:
    """Wait until Airflow has parsed the DAGs.

    Raises:
        StackError: a DAG file cannot be imported, or a DAG is not parsed in time.
    """
    deadline = time.monotonic() + PARSING_SECONDS
    while missing := [dag_id for dag_id in dag_ids if not airflow.has_dag(dag_id)]:
        if errors := airflow.import_errors():
            raise StackError(f"A DAG file cannot be imported: {errors[0]}")
        if time.monotonic() > deadline:
            raise StackError(
                f"Airflow does not find the DAG {missing[0]} in dags/: make logs NAME=airflow-dag-processor."
            )
        time.sleep(POLL_SECONDS)


Printed = dict[tuple[str, int], str]
"""Task id and map index -> state of the task that was printed last."""


def follow_run(
    airflow: AirflowClient,
    dag_id: str,
    run_id: str,
    console: Console,
    until: str = "",
    printed: Printed | None = None,
) -> Printed:
    """Print each task of the run when it ends, and return when the run, or its task ``until``, has succeeded.

    Tasks in ``printed``, the result of an earlier call, are not printed again.

    Raises:
        StackError: the run failed; the log of the failed task is printed first.
    """
    printed = dict(printed or {})
    started = time.monotonic()
    with console.status("") as status:
        while True:
            run = airflow.get_run(dag_id, run_id)  # before the tasks, so that a finished run has finished tasks
            tasks = airflow.task_instances(dag_id, run_id)
            for task in tasks:
                _print_once(task, printed, console)
            if run["state"] in FINISHED_STATES or printed.get((until, -1)) == "success":
                break
            active = [task["task_id"] for task in tasks if task["state"] in ("running", "queued", "scheduled")]
            status.update(
                f"{dag_id}: {', '.join(sorted(set(active))) or run['state']}, {time.monotonic() - started:.0f} s"
            )
            time.sleep(POLL_SECONDS)
    if run["state"] == "failed":
        raise _failure(airflow, dag_id, tasks, console)
    return printed


def _print_once(task: dict[str, Any], printed: Printed, console: Console) -> None:
    key, state = (task["task_id"], task["map_index"]), task["state"]
    if state == printed.get(key) or state in (None, "scheduled", "queued", "running", "removed"):
        return
    printed[key] = state
    name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
    seconds = f"{task['duration']:6.1f} s" if task["duration"] else "        "
    text = {"success": "", "up_for_retry": "failed, will be retried"}.get(state, state.replace("_", " "))
    console.print(f"  {MARKS.get(state, '[red]✗[/]')} {escape(name):<32}{seconds}  {text}")


def _failure(airflow: AirflowClient, dag_id: str, tasks: list[dict[str, Any]], console: Console) -> StackError:
    failed = next((task for task in tasks if task["state"] == "failed"), None)
    if failed is None:
        return StackError(f"The run of {dag_id} failed without a failed task: open Airflow for the reason.")
    console.print(f"[dim]end of the log of {failed['task_id']}:[/]")
    for line in airflow.task_log(failed)[-LOG_LINES:]:
        console.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    return StackError(
        f"The task {failed['task_id']} of {dag_id} failed: correct the cause above and run make demo again."
    )
