"""Really run DAGs one after the other in one process: ``python -m tests.support.run_dags DAG_ID ...``.

A DAG takes parameters as ``DAG_ID={"name": "value"}``.

Prints a line ``=== DAG_ID STATE`` after the log of each run.
"""

import json
import os
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag

FOLDER = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])

bag = BundleDagBag(dag_folder=FOLDER, bundle_path=FOLDER, bundle_name="dags-folder")
for argument in sys.argv[1:]:
    dag_id, _, given = argument.partition("=")
    run = bag.dags[dag_id].test(run_conf=json.loads(given or "{}"))
    sys.stdout.write(f"=== {dag_id} {run.state if run else 'not run'}\n")
    sys.stdout.flush()
