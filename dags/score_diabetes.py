"""### Score stored records

**Score** all records of `source` with the version in production, or another approved one, by parts: the table
`raw_data`, or a CSV file, a Parquet file or a folder of Parquet files below `DATA_DIR`. The scores go to `target`: the
table `scores`, or a folder below `DATA_DIR`, which gets Parquet files. Each record has one row; a record that is not
valid has an error in place of a risk.

Starts manually only. A retry goes on after the last part that was written, and so does a new run with the same
parameters; after a complete run it changes nothing.

*On failure:* the parts that were written stay, and count when the run is repeated.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from shared import DAG_ARGUMENTS, IN_SCHEDULER, open_registry, run_label, settings_and_engine, skipped_without_data

PATH = r"^[A-Za-z0-9_][A-Za-z0-9_./ -]*$"


@dag(
    schedule=None,
    description="On request only: scores the encounters of the database, or files, with the version in production.",
    params={
        "source": Param(
            "raw_data", type="string", pattern=PATH, maxLength=200, description="raw_data, or a path below DATA_DIR."
        ),
        "target": Param(
            "scores", type="string", pattern=PATH, maxLength=200, description="scores, or a folder below DATA_DIR."
        ),
        # Airflow's form sends null for an empty field.
        "version": Param(None, type=["null", "string"], pattern="^[1-9][0-9]*$", description="Default: production."),
    },
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def score_diabetes() -> None:
    """Wire :func:`ml.scoring.run.score`."""

    @task(executor=IN_SCHEDULER, execution_timeout=timedelta(hours=1))
    def score() -> dict[str, Any]:
        """Score all records; returns the summary."""
        from dataclasses import asdict

        from ml.scoring.run import Job
        from ml.scoring.run import score as run

        params = get_current_context()["params"]
        with skipped_without_data(), settings_and_engine() as (settings, engine):
            job = Job(params["source"], params["target"], params["version"]).below(settings.data_dir)
            done = run(settings, engine, open_registry(settings), job, run_label())
        return {**asdict(done), "rows_per_second": done.rows_per_second}

    score()


score_diabetes()
