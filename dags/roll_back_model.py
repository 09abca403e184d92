"""### Roll back the production model

Moves the alias `production` to the previous version, or to the version given as `to`, in one write; the API follows
within seconds. The withdrawn version keeps its record and is not promoted again automatically. The target must load,
and a synthetic version never replaces a real one. The ledger (`python -m ml ledger`) records the user (`actor`), the
`reason` and the run.

Starts manually only: from the page *Model* of the user interface, or here.

*On failure:* the last line of the task's log states the reason and the present production version. The task is not
retried, because a second attempt could roll back one version further.
"""

from airflow.sdk import Param, dag, get_current_context, task
from shared import DAG_ARGUMENTS, open_registry, run_label, settings_and_engine


@dag(
    schedule=None,
    params={
        "to": Param(None, type=["null", "string"], pattern="^[1-9][0-9]*$", description="Version; default: previous."),
        "actor": Param("a user of Airflow", type="string", minLength=1, maxLength=100, description="Requesting user."),
        # Airflow's form sends null for an empty field.
        "reason": Param(None, type=["null", "string"], maxLength=500, description="Reason; optional."),
    },
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def roll_back_model() -> None:
    """Wire :func:`ml.promotion.production_alias.roll_back`."""

    @task(retries=0)
    def roll_back() -> str:
        """Move the alias and record it in the ledger; returns both versions."""
        from ml.promotion.production_alias import roll_back as move_alias

        params = get_current_context()["params"]
        reason = f"; reason: {params['reason']}" if params["reason"] else ""
        actor = f"{params['actor']} ({run_label()}{reason})"
        with settings_and_engine() as (settings, engine):
            withdrawn, present = move_alias(engine, open_registry(settings), actor, params["to"])
        return f"production is version {present} again; version {withdrawn} is withdrawn"

    roll_back()


roll_back_model()
