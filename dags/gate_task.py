"""The task that both training DAGs end with."""

from airflow.sdk import task
from assets import registered_model


@task(outlets=[registered_model])
def gate(version: str) -> str:
    """Decide whether a version becomes production; returns the decision with its reason."""
    from ml.gate import run_gate
    from ml.registry import Registry
    from ml.settings import MlSettings
    from ml.warehouse.connection import warehouse

    settings = MlSettings.load()
    with warehouse(settings) as engine:
        return str(run_gate(settings, engine, Registry(settings), version).decision)
