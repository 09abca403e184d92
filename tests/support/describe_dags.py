"""Print what Airflow makes of ``dags/``, as JSON: import errors, and the structure of each DAG as it is stored."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization


def _describe_task(task: Any) -> dict[str, object]:
    return {
        "upstream": sorted(task.upstream_task_ids),
        "retries": task.retries,
        "timeout_seconds": task.execution_timeout and task.execution_timeout.total_seconds(),
        "owner": task.owner,
        "executor": task.executor,
        "documented": bool(task.doc_md),
        "outlets": [outlet.name for outlet in task.outlets],
        "mapped": task.is_mapped,
        "has_retry_policy": task.has_retry_policy,
    }


FOLDER = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
bag = BundleDagBag(dag_folder=FOLDER, bundle_path=FOLDER, bundle_name="dags-folder")
dags = {}
for dag_id, dag in bag.dags.items():
    stored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    dags[dag_id] = {
        "schedule": stored.timetable.summary,
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "description": dag.description,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "paused_at_creation": dag.is_paused_upon_creation,
        "params": {name: param.schema for name, param in stored.params.items()},
        "tasks": {task.task_id: _describe_task(task) for task in stored.tasks},
    }
json.dump({"import_errors": bag.import_errors, "dags": dags}, sys.stdout)
