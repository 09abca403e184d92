"""The task that both training DAGs end with."""

from airflow.sdk import get_current_context, task
from assets import registered_model


@task(outlets=[registered_model])
def gate(version: str) -> str:
    """Decide whether a version becomes production; returns the decision with its reason."""
    from ml.core.settings import MlSettings
    from ml.promotion.gate import run_gate
    from ml.registry.client import Registry
    from ml.warehouse.connection import warehouse

    run = get_current_context()["dag_run"]
    settings = MlSettings.load()
    with warehouse(settings) as engine:
        outcome = run_gate(settings, engine, Registry(settings), version, f"Airflow: {run.dag_id} {run.run_id}")
    return (
        f"version {outcome.version} {'promoted' if outcome.decision.promote else 'refused'}: {outcome.decision.reason}"
    )
