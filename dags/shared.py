"""Assets, DAG arguments, retry policy, connections and the gate task that the DAGs share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

training_data = Asset("training-data")
"""A new data version of ``train_data`` and ``test_data``; the event carries ``data_version``."""

drift = Asset("drift")
"""Drift between recent predictions and the training data; the event carries ``run_id``."""

_NOT_RETRIED: Final[list[type[BaseException] | str]] = [
    f"ml.core.errors.{name}"
    for name in (
        "BundleError",
        "ProvenanceError",
        "RegistryRefusalError",
        "RejectedDataError",
        "SettingsError",
        "SplitError",
        "StaleInputError",
    )
]

DAG_ARGUMENTS: Final[dict[str, Any]] = {
    "start_date": datetime(2026, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "owner": "mlops",
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(minutes=30),
        "retry_policy": ExceptionRetryPolicy(
            rules=[RetryRule(_NOT_RETRIED, RetryAction.FAIL, reason="another attempt would fail in the same way")]
        ),
    },
}


@contextmanager
def settings_and_engine() -> Iterator[tuple[Any, Any]]:
    """Yield :class:`MlSettings` and an engine of the ``diabetes`` database, without importing ``ml`` at parse time."""
    from ml.core.settings import MlSettings
    from ml.warehouse.connection import warehouse

    settings = MlSettings.load()
    with warehouse(settings) as engine:
        yield settings, engine


@contextmanager
def skipped_without_data() -> Iterator[None]:
    """Skip the task before the first ingestion or training, which a scheduled run can precede."""
    from ml.core.errors import NoDataError

    try:
        yield
    except NoDataError as error:
        raise AirflowSkipException(str(error)) from error


def open_registry(settings: Any) -> Any:
    """A :class:`Registry` whose runs name the present Airflow run and link to it."""
    from urllib.parse import quote

    from ml.core.settings import PublicAddresses
    from ml.registry.client import Registry

    run = get_current_context()["dag_run"]
    link = f"{PublicAddresses.load().airflow_public_url}/dags/{run.dag_id}/runs/{quote(run.run_id, safe='')}"
    return Registry(
        settings,
        {
            "airflow.dag_id": run.dag_id,
            "airflow.run_id": run.run_id,
            "airflow.url": link,
            "mlflow.note.content": f"Airflow: [{run.dag_id} {run.run_id}]({link})",
        },
    )


def run_label() -> str:
    """DAG id and run id of the current task, for audit records."""
    run = get_current_context()["dag_run"]
    return f"Airflow: {run.dag_id} {run.run_id}"


@task
def gate(version: str) -> str:
    """Decide whether a version becomes production; returns the decision with its reason."""
    from ml.promotion.gate import run_gate

    with settings_and_engine() as (settings, engine):
        outcome = run_gate(settings, engine, open_registry(settings), version, run_label())
    decision = outcome.decision
    return f"version {outcome.version} {'promoted' if decision.promote else 'refused'}: {decision.reason}"
