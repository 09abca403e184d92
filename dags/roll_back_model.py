"""### Put a former model back

Lets `production` point to the version that it pointed to before, or to the one given as `to`, in one write; the
API follows within seconds. The withdrawn version keeps its record and is not promoted again by itself. The target has
to load, and is never a synthetic version in place of a real one. The ledger (`python -m ml ledger`) keeps who asked
(`actor`), for what `reason`, and in which run.

Starts by hand only: from the page *Model* of the interface, or here.

*On failure:* the last line of the task's log is one sentence that says why, and production is as that sentence says.
There is no second attempt: after one that was cut short, it could go back one version further.
"""

from datetime import UTC, datetime

from airflow.sdk import Param, dag, get_current_context, task
from policies import DEFAULTS


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    params={
        "to": Param(None, type=["null", "string"], pattern="^[1-9][0-9]*$", description="Version; empty: the former."),
        "actor": Param("a user of Airflow", type="string", minLength=1, maxLength=100, description="Who asks for it."),
        "reason": Param("", type="string", maxLength=500, description="Why."),
    },
    tags=["model"],
    doc_md=__doc__,
)
def roll_back_model() -> None:
    """Wire :func:`ml.promotion.production_alias.roll_back`."""

    @task(retries=0)
    def roll_back() -> str:
        """Move the alias and note it in the ledger; returns what was done, in a sentence."""
        from ml.core.settings import MlSettings
        from ml.promotion.production_alias import roll_back as go_back
        from ml.registry.client import Registry
        from ml.warehouse.connection import warehouse

        context = get_current_context()
        asked, run = context["params"], context["dag_run"]
        reason = f"; reason: {asked['reason']}" if asked["reason"] else ""
        settings = MlSettings.load()
        with warehouse(settings) as engine:
            actor = f"{asked['actor']} (Airflow: {run.dag_id} {run.run_id}{reason})"
            withdrawn, present = go_back(engine, Registry(settings), actor, asked["to"])
        return f"production is version {present} again; version {withdrawn} is withdrawn"

    roll_back()


roll_back_model()
