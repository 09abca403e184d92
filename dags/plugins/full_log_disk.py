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
"""Free space in bytes below which the disk counts as full."""


class FullLogDisk:
    """Airflow listener, called by the scheduler, that writes the note."""

    @hookimpl
    def on_dag_run_failed(self, dag_run: "DagRun") -> None:
        """Set the note of a failed run while the disk is full, unless the run has one."""
        folder = Path(conf.get_mandatory_value("logging", "base_log_folder"))
        if shutil.disk_usage(folder).free < LEAST_BYTES and not dag_run.note:
            dag_run.note = (
                f"The disk of the task logs ({folder}) is full, and no task can start until there is space on it. "
                "Then clear the failed tasks, or trigger a new run."
            )


class FullLogDiskPlugin(AirflowPlugin):
    """Airflow plugin that registers the listener."""

    name = "full_log_disk"
    listeners = [FullLogDisk()]  # noqa: RUF012 -- Airflow's base class declares it so
