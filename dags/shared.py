"""Assets, DAG arguments, retry policy, connections and the tasks (gate, report) that the DAGs share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

log = logging.getLogger(__name__)

training_data = Asset("training-data")
"""A new data version of ``train_data`` and ``test_data``; the event carries ``data_version``."""

drift = Asset("drift")
"""Drift between recent predictions and the training data; the event carries ``run_id``."""

_NOT_RETRIED: Final = (
    "BundleError",
    "ProvenanceError",
    "RegistryRefusalError",
    "RejectedDataError",
    "ScoringError",
    "SettingsError",
    "SplitError",
    "StaleInputError",
    "UnapprovedError",
)
"""Of :mod:`ml.core.errors`."""


class RefusedError(SystemExit):
    """Ends a task whose log has the reason as one sentence. Airflow logs a traceback for every other exception."""


_FINAL: Final[list[type[BaseException] | str]] = [*(f"ml.core.errors.{name}" for name in _NOT_RETRIED), RefusedError]

IN_SCHEDULER: Final = "LocalExecutor"
"""``executor`` of tasks that need what workers do not have: the signing key, Airflow's database, its ``DATA_DIR``."""

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
            rules=[RetryRule(_FINAL, RetryAction.FAIL, reason="another attempt would fail in the same way")]
        ),
    },
}


@contextmanager
def settings_and_engine() -> Iterator[tuple[Any, Any]]:
    """Yield :class:`MlSettings` and an engine of the ``diabetes`` database, without importing ``ml`` at parse time."""
    from ml.core.settings import MlSettings
    from ml.warehouse.connection import warehouse

    with refused_in_a_sentence():
        settings = MlSettings.load()
        with warehouse(settings) as engine:
            yield settings, engine


@contextmanager
def refused_in_a_sentence() -> Iterator[None]:
    """End the task with the sentence of an error that no further attempt follows, in place of its traceback."""
    from ml.core import errors

    try:
        yield
    except errors.NoDataError:  # skips the task
        raise
    except errors.PlatformError as error:
        is_final = isinstance(error, tuple(getattr(errors, name) for name in _NOT_RETRIED))
        if not is_final and get_current_context()["task"].retries:
            raise
        refuse(str(error))


def refuse(reason: str) -> NoReturn:
    """Fail the task for good; the reason is the last but one line of its log."""
    log.error(reason)
    raise RefusedError(1)


def skip(reason: str) -> NoReturn:
    """Skip the task; its log has the reason as a line, which Airflow shows first."""
    log.warning("Skipped: %s", reason)
    raise AirflowSkipException(reason)


@contextmanager
def skipped_without_data() -> Iterator[None]:
    """Skip the task before the first ingestion or training, which a scheduled run can precede."""
    from ml.core.errors import NoDataError

    try:
        yield
    except NoDataError as error:
        skip(str(error))


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


def run_key() -> str:
    """Identifies the current DAG run: the same when its tasks are retried or cleared."""
    run = get_current_context()["dag_run"]
    return f"{run.dag_id}/{run.run_id}"


def run_label() -> str:
    """DAG id and run id of the current task, and who started the run, for audit records."""
    run = get_current_context()["dag_run"]
    login = f"{run.triggering_user_name}@" if run.triggering_user_name else ""
    return f"{login}Airflow: {run.dag_id} {run.run_id}"


@task(executor=IN_SCHEDULER)
def gate(version: str) -> str:
    """Decide whether a version becomes production; returns the decision with its reason."""
    from ml.promotion.gate import run_gate

    with settings_and_engine() as (settings, engine):
        outcome = run_gate(settings, engine, open_registry(settings), version, run_label(), overrule=False)
    decision = outcome.decision
    return f"version {outcome.version} {'promoted' if decision.promote else 'refused'}: {decision.reason}"


@task
def report(version: str) -> None:
    """Make the report of the version. It comes after the gate, because a promoted version can serve without it."""
    from ml.report.write import write_report

    with settings_and_engine() as (settings, engine):
        write_report(settings, engine, open_registry(settings), version)
