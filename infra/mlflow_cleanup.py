"""Deletes for good what was deleted in MLflow 30 days ago: rows of runs and logged models, and files that are left.

``python -m infra.mlflow_cleanup`` does it daily, beside the server; with a number of days, once. ``mlflow gc`` would
also delete what a registered version needs, if somebody deleted its run or its model by hand, and deleted experiments
with all that is in them.
"""

import os
import subprocess
import sys
import time
from typing import Any, Final

KEPT_DAYS: Final = 30
"""So long a run that was deleted in MLflow's pages can be restored there."""
HOUR: Final = 3_600
DAY: Final = 24 * HOUR


def main() -> None:
    """Delete once, or every day; an hour later after a failure, and after a start."""
    if len(sys.argv) > 1:
        runs, models = delete_for_good(float(sys.argv[1]))
        sys.stdout.write(f"Deleted for good: {runs} runs, {models} logged models\n")  # MLflow switches loggers off
        return
    pause = HOUR
    while True:
        time.sleep(pause)
        done = subprocess.run([sys.executable, "-m", "infra.mlflow_cleanup", str(KEPT_DAYS)], check=False)
        pause = HOUR if done.returncode else DAY


def delete_for_good(days: float) -> tuple[int, int]:
    """Delete what was deleted so many days ago and no registered version needs; returns numbers of runs and models.

    The server at MLFLOW_TRACKING_URI deletes the files; MLFLOW_BACKEND_STORE_URI has the rows.
    """
    # Here, so that the process that waits stays small.
    from mlflow.cli import _gc_tracking_resources
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store, age = SqlAlchemyStore(os.environ["MLFLOW_BACKEND_STORE_URI"], "mlflow-artifacts:/"), round(days * DAY * 1000)
    used = _used(store)
    runs = [run for run in store._get_deleted_runs(age) if run not in used]
    models = [model for model in store._get_deleted_logged_models(age) if model not in used]
    _gc_tracking_resources(store, runs, None, models, None, 0, skip_experiments=True, skip_logged_models=False)
    return len(runs), len(models)


def _used(store: Any) -> set[str]:
    """Ids of the runs and logged models of registered versions."""
    import sqlalchemy as sa

    of_versions = sa.text("SELECT run_id, source FROM model_versions WHERE current_stage <> 'Deleted_Internal'")
    with store.engine.connect() as connection:
        return {str(value).rpartition("/")[2] for row in connection.execute(of_versions) for value in row}


if __name__ == "__main__":
    main()
