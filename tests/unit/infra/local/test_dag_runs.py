import io
from typing import Any

import pytest
from rich.console import Console

from infra.local.airflow_client import AirflowClient
from infra.local.dag_runs import follow_run
from infra.local.errors import StackError


def task(task_id: str, state: str, duration: float | None = 1.5, map_index: int = -1) -> dict[str, Any]:
    return {"task_id": task_id, "state": state, "duration": duration, "map_index": map_index}


class FinishedRun(AirflowClient):
    """Airflow's responses about a finished run."""

    def __init__(self, state: str, tasks: list[dict[str, Any]]) -> None:
        self._state, self._tasks = state, tasks

    def get_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return {"dag_id": dag_id, "dag_run_id": run_id, "state": self._state}

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return [{"dag_id": dag_id, "dag_run_id": run_id, **task} for task in self._tasks]

    def task_log(self, task: dict[str, Any]) -> list[str]:
        return [f"log of {task['task_id']}", "RejectedDataError: 3 % of the rows break the schema"]


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


def follow(run: FinishedRun, output: io.StringIO) -> None:
    follow_run(run, "ingest_diabetes", "run-1", Console(file=output, width=100))


def test_each_task_is_shown_once_with_duration_and_map_index(output: io.StringIO) -> None:
    follow(FinishedRun("success", [task("download_data", "success"), task("trial", "success", 2.0, 3)]), output)
    assert [line.split() for line in output.getvalue().splitlines()] == [
        ["✓", "download_data", "1.5", "s"],
        ["✓", "trial[3]", "2.0", "s"],
    ]


def test_a_skipped_task_is_no_failure(output: io.StringIO) -> None:
    follow(FinishedRun("success", [task("announce", "skipped")]), output)
    assert "– announce" in output.getvalue()


def test_a_failed_run_names_the_task_and_shows_its_log(output: io.StringIO) -> None:
    run = FinishedRun("failed", [task("validate", "failed"), task("split", "upstream_failed", None)])
    with pytest.raises(StackError, match="The task validate of ingest_diabetes failed"):
        follow(run, output)
    assert "RejectedDataError: 3 % of the rows break the schema" in output.getvalue()


def test_the_wait_for_a_task_ends_before_the_run_and_goes_on_without_printing_twice(output: io.StringIO) -> None:
    console = Console(file=output, width=100)
    early = FinishedRun("running", [task("train", "success"), task("gate", "success"), task("report", "running", None)])
    printed = follow_run(early, "train_models_diabetes_simple", "run-1", console, until="gate")
    assert [line.split()[1] for line in output.getvalue().splitlines()] == ["train", "gate"]

    late = FinishedRun("success", [task("train", "success"), task("gate", "success"), task("report", "success")])
    follow_run(late, "train_models_diabetes_simple", "run-1", console, printed=printed)
    assert [line.split()[1] for line in output.getvalue().splitlines()] == ["train", "gate", "report"]


def test_the_wait_for_a_task_ends_with_the_run_that_failed_before_it(output: io.StringIO) -> None:
    run = FinishedRun("failed", [task("train", "failed"), task("gate", "upstream_failed", None)])
    with pytest.raises(StackError, match="The task train of train_models_diabetes_simple failed"):
        follow_run(run, "train_models_diabetes_simple", "run-1", Console(file=output, width=100), until="gate")
