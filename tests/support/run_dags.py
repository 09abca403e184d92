"""Really run DAGs one after the other in one process: ``python -m tests.support.run_dags RUN ...``.

A run is ``DAG_ID``, or ``DAG_ID={"name": "value"}`` with parameters. ``DAG_ID!TASK_ID`` runs a task of the DAG's first
run again, as if it had been cleared there; ``DAG_ID!!TASK_ID`` of its last run, ``DAG_ID!2!TASK_ID`` of the one before.
``DAG_ID@DATE`` backfills the DAG for a date and runs the first task.

Prints a line ``=== DAG_ID STATE`` after the log of each run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from airflow.sdk.definitions.dag import _run_task
from airflow.utils.session import create_session
from sqlalchemy import select

FOLDER = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])


def run(dag: DAG, parameters: str) -> str:
    """Run a DAG; returns the state of the run."""
    done = dag.test(run_conf=json.loads(parameters or "{}"))
    return str(done.state) if done else "not run"


def run_again(dag: DAG, task_id: str, run_type: str = "manual") -> str:
    """Run a task of the first run of a type again, or of a later run, see above; returns the state of the task."""
    with create_session() as session:
        runs = select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.run_type == run_type)
        place, is_recent, task_id = task_id.rpartition("!")
        order = DagRun.id.desc() if is_recent else DagRun.id
        run = session.scalars(runs.order_by(order).offset(int(place or 1) - 1).limit(1)).one()
        task = run.get_task_instance(task_id, session=session)
        task.try_number += 1
        session.commit()
        _run_task(ti=task, task=dag.task_dict[task_id])
        return "" if task.state is None else task.state.value


def backfill(dag: DAG, date: str) -> str:
    """Backfill a DAG with Airflow's command and run the first task; returns its state."""
    command = ["airflow", "backfill", "create", "--dag-id", dag.dag_id, "--from-date", date, "--to-date", date]
    subprocess.run([sys.executable, "-m", *command], check=True)
    return run_again(dag, dag.roots[0].task_id, "backfill")


bag = BundleDagBag(dag_folder=FOLDER, bundle_path=FOLDER, bundle_name="dags-folder")
for argument in sys.argv[1:]:
    dag_id = next(name for name in bag.dags if argument.startswith(name))
    how, detail = argument.removeprefix(dag_id)[:1], argument.removeprefix(dag_id)[1:]
    state = {"": run, "=": run, "!": run_again, "@": backfill}[how](bag.dags[dag_id], detail)
    sys.stdout.write(f"=== {dag_id} {state}\n")
    sys.stdout.flush()
