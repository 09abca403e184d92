"""### Delete what is old

**Delete versions and rows**: what `python -m ml retain` lists: model versions with their files and runs, other runs,
monitoring results, rejected rows, searches and load tests that are older than `RETAIN_DAYS`, and entries of the access
log that are older than `ACCESS_LOG_DAYS`. Never a version with an alias, the one in production, the one a rollback
would go to, or one that the latest decisions name →
**clean the metadata** of Airflow of the same age; it keeps the latest scheduled run of each DAG →
**delete the task logs** of the same age.

`python -m ml ledger` shows which versions were deleted.

*On failure:* what was deleted stays deleted, and the next run deletes the rest.
"""

import shlex
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.configuration import conf
from shared import DAG_ARGUMENTS, IN_SCHEDULER, run_label, settings_and_engine

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


@dag(
    schedule=CronTriggerTimetable("30 4 * * 0", timezone="UTC"),
    description="Weekly: deletes old model versions, runs, rows, Airflow's metadata and task logs that nothing needs.",
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def retain_diabetes() -> None:
    """Wire :func:`ml.retention.retain.retain` and Airflow's own command."""

    @task
    def delete_versions_and_rows() -> dict[str, Any]:
        """Delete what is old in MLflow and PostgreSQL; returns the numbers."""
        from ml.retention.plan import Limits
        from ml.retention.retain import retain

        with settings_and_engine() as (settings, engine):
            limits = Limits(settings.retain_days, access_log_days=settings.access_log_days)
            return asdict(retain(settings, engine, limits, apply=True, actor=run_label()))

    @task.bash(executor=IN_SCHEDULER)
    def clean_metadata() -> str:
        """Delete old runs, task instances, events and XComs from Airflow's database."""
        # Airflow hides its database from tasks by these variables; its own command reads it through the other one.
        clean = ["airflow", "db", "clean", "--clean-before-timestamp", cutoff().isoformat()]
        flags = ["--skip-archive", "--error-on-cleanup-failure", "--yes"]
        hidden = ["-u", CONNECTION, "-u", "AIRFLOW__CORE__SQL_ALCHEMY_CONN"]
        command = shlex.join(["env", *hidden, sys.executable, "-m", *clean, *flags])
        return f": ${{{CONNECTION}_CMD:?must be set}} && {command}"

    @task.bash(executor=IN_SCHEDULER)
    def delete_task_logs() -> str:
        """Delete old task logs, and folders that they leave empty."""
        folder, days = shlex.quote(conf.get("logging", "base_log_folder")), (datetime.now(UTC) - cutoff()).days
        delete = f"find {folder} -type f -mtime +{days} -printf '%s\\n' -delete"
        count = "awk '{size += $1} END {printf \"%d files, %.1f MB\\n\", NR, size / 1e6}'"
        return f"set -o pipefail; find {folder} -mindepth 1 -type d -empty -mtime +1 -delete; {delete} | {count}"

    delete_versions_and_rows() >> clean_metadata() >> delete_task_logs()


def cutoff() -> datetime:
    """Time before which things are old."""
    from ml.core.settings import MlSettings

    return datetime.now(UTC) - timedelta(days=MlSettings.load().retain_days)


retain_diabetes()
