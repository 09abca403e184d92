"""### Roll back the production model

Moves the alias `production` to the previous version, or to the version given as `to`, in one write; the API follows
within seconds. The withdrawn version keeps its record and is not promoted again automatically. The target must load,
and a synthetic version never replaces a real one. The ledger (`python -m ml ledger`) records `actor`, the user of
Airflow who started the run, the `reason` and the run.

Starts manually only: from the page *Model* of the user interface, or here.

A run goes back once: a retried or cleared task finishes the rollback that its run began, or reports it. To go back one
version further, start another run.

*On failure:* the last line of the task's log states the reason and the present production version.
"""

from airflow.sdk import Param, dag, get_current_context, task
from shared import DAG_ARGUMENTS, IN_SCHEDULER, open_registry, run_key, run_label, settings_and_engine


@dag(
    schedule=None,
    description="On request only: points production to an earlier version; the API follows within seconds.",
    params={
        "to": Param(None, type=["null", "string"], pattern="^[1-9][0-9]*$", description="Version; default: previous."),
        # Airflow's form sends null for an empty field.
        "actor": Param(None, type=["null", "string"], maxLength=100, description="Who decides; optional."),
        "reason": Param(None, type=["null", "string"], maxLength=500, description="Reason; optional."),
    },
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def roll_back_model() -> None:
    """Wire :func:`ml.promotion.rollback.roll_back`."""

    @task(executor=IN_SCHEDULER)
    def roll_back() -> str:
        """Move the alias and record it in the ledger; returns both versions."""
        from ml.promotion.rollback import roll_back as move_alias

        params = get_current_context()["params"]
        actor = f"{params['actor']} ({run_label()})" if params["actor"] else run_label()
        with settings_and_engine() as (settings, engine):
            done = move_alias(
                settings, engine, open_registry(settings), actor, params["to"], run_key(), params["reason"]
            )
        withdrawn = f"; version {done.withdrawn} is withdrawn" if done.withdrawn else ""
        earlier = "" if done.new else ", since an earlier attempt of this run"
        return f"production is version {done.target} again{earlier}{withdrawn}"

    roll_back()


roll_back_model()
