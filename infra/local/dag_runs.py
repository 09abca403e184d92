"""Following a DAG run task by task."""

import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from infra.local.airflow_client import AirflowClient
from infra.local.errors import StackError

POLL_SECONDS = 1.0
PARSE_SECONDS = 180
LOG_LINES = 25
ENDED = ("success", "failed")
MARKS = {"success": "[green]✓[/]", "skipped": "[dim]–[/]", "up_for_retry": "[yellow]↻[/]"}


def wait_until_known(airflow: AirflowClient, dag_ids: tuple[str, ...]) -> None:
    """Return once Airflow has read the DAGs' files.

    Raises:
        StackError: naming the file that cannot be imported, or the DAG that does not appear.
    """
    deadline = time.monotonic() + PARSE_SECONDS
    while unknown := [dag_id for dag_id in dag_ids if not airflow.knows(dag_id)]:
        if errors := airflow.import_errors():
            raise StackError(f"A DAG file cannot be imported: {errors[0]}")
        if time.monotonic() > deadline:
            raise StackError(
                f"Airflow does not find the DAG {unknown[0]} in dags/: make logs NAME=airflow-dag-processor."
            )
        time.sleep(POLL_SECONDS)


def follow_run(airflow: AirflowClient, dag_id: str, run_id: str, console: Console) -> None:
    """Show each task of the run as it ends, and return when the run has succeeded.

    Raises:
        StackError: when it has failed, after showing the log of the task that did.
    """
    shown: dict[tuple[str, int], str] = {}
    begun = time.monotonic()
    with console.status("") as status:
        while True:
            run = airflow.run(dag_id, run_id)  # before the tasks: its end means that they are all to be seen
            tasks = airflow.tasks(dag_id, run_id)
            for task in tasks:
                _show_once(task, shown, console)
            if run["state"] in ENDED:
                break
            active = [task["task_id"] for task in tasks if task["state"] in ("running", "queued", "scheduled")]
            status.update(
                f"{dag_id}: {', '.join(sorted(set(active))) or run['state']}, {time.monotonic() - begun:.0f} s"
            )
            time.sleep(POLL_SECONDS)
    if run["state"] == "failed":
        raise _failure(airflow, dag_id, tasks, console)


def _show_once(task: dict[str, Any], shown: dict[tuple[str, int], str], console: Console) -> None:
    key, state = (task["task_id"], task["map_index"]), task["state"]
    if state == shown.get(key) or state in (None, "scheduled", "queued", "running", "removed"):
        return
    shown[key] = state
    name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
    seconds = f"{task['duration']:6.1f} s" if task["duration"] else "        "
    console.print(f"  {MARKS.get(state, '[red]✗[/]')} {escape(name):<32}{seconds}  {_words(state)}")


def _words(state: str) -> str:
    return {"success": "", "up_for_retry": "failed, will be tried again"}.get(state, state.replace("_", " "))


def _failure(airflow: AirflowClient, dag_id: str, tasks: list[dict[str, Any]], console: Console) -> StackError:
    failed = next((task for task in tasks if task["state"] == "failed"), None)
    if failed is None:
        return StackError(f"The run of {dag_id} failed before any task of it did: open Airflow for the reason.")
    console.print(f"[dim]the end of the log of {failed['task_id']}:[/]")
    for line in airflow.task_log(failed)[-LOG_LINES:]:
        console.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    return StackError(f"The task {failed['task_id']} of {dag_id} failed: mend the cause above and run make demo again.")
