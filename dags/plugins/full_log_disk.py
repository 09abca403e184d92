"""Writes the reason on the page of a run that failed because the disk of the task logs was full.

Airflow cannot start a task then, so there is no log with the reason.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow.configuration import conf
from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

LEAST_BYTES: Final = 64 * 1024
"""With less free space the log of a task cannot be written."""


class FullLogDisk:
    """Listener of the scheduler."""

    @hookimpl
    def on_dag_run_failed(self, dag_run: "DagRun", msg: str) -> None:  # noqa: ARG002 -- the signature is Airflow's
        """Set the note of the run, unless it has one."""
        folder = Path(conf.get_mandatory_value("logging", "base_log_folder"))
        if shutil.disk_usage(folder).free < LEAST_BYTES and not dag_run.note:
            dag_run.note = (
                f"The disk of the task logs ({folder}) is full, and no task can start until there is space on it. "
                "Then clear the failed tasks, or trigger a new run."
            )


class FullLogDiskPlugin(AirflowPlugin):
    """Registers the listener."""

    name = "full_log_disk"
    listeners = [FullLogDisk()]  # noqa: RUF012 -- Airflow reads it from the class
