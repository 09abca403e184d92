"""### Search for the best model

**Plan** a search over RandomForest and gradient boosting → run its **trials** in parallel as mapped tasks over one
Optuna study in PostgreSQL, each scored by patient-grouped cross-validation on `train_data` → **refit** the best on
all of `train_data` and register it as `challenger` → let the **gate** decide.

The test patients are not touched before the refit. Running it again on the same data and code finds the trials
done and makes no new version. Before the first ingestion it is skipped. Starts weekly, and where
`RETRAIN_ON_DRIFT=true` also when `monitor_diabetes` finds drift.

*On failure:* a failed trial is retried alone; the present production version keeps serving.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from assets import drift
from gate_task import gate
from policies import DEFAULTS


def _schedule() -> CronTriggerTimetable | AssetOrTimeSchedule:
    """Weekly; also on drift, where the settings ask for it."""
    from ml.core.settings import MonitorSettings

    weekly = CronTriggerTimetable("@weekly", timezone="UTC")
    if not MonitorSettings.load().retrain_on_drift:
        return weekly
    return AssetOrTimeSchedule(timetable=weekly, assets=[drift])


@dag(
    schedule=_schedule(),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["model"],
    doc_md=__doc__,
)
def auto_model_train_diabetes() -> None:
    """Wire :mod:`ml.training.tune`, :mod:`ml.training.train` and :mod:`ml.promotion.gate`."""

    @task
    def plan_search() -> list[dict[str, str | int]]:
        """Create the study, or find it again; one entry per trial."""
        from ml.core.errors import NoDataError
        from ml.core.settings import MlSettings
        from ml.training.tune import plan
        from ml.warehouse.connection import warehouse

        settings = MlSettings.load()
        try:
            with warehouse(settings) as engine:
                search = plan(settings, engine)
        except NoDataError as error:  # the week's run may come before the first ingestion
            raise AirflowSkipException(str(error)) from error
        return [{"study": search.study, "slot": slot} for slot in search.slots]

    @task(
        max_active_tis_per_dagrun=2,
        execution_timeout=timedelta(hours=1),
        doc_md="Fill one slot of the search.",  # Airflow does not take a mapped task's from its docstring
    )
    def run_trial(study: str, slot: int) -> str:
        """Fill one slot of the search; returns the study's name."""
        from ml.core.settings import MlSettings
        from ml.training.tune import run_trial as run
        from ml.warehouse.connection import warehouse

        settings = MlSettings.load()
        with warehouse(settings) as engine:
            run(settings, engine, study, slot)
        return study

    @task
    def refit_best(studies: list[str]) -> str:
        """Fit the best settings on all training data and register them; returns the version's number."""
        from ml.core.settings import MlSettings
        from ml.registry.client import Registry
        from ml.training.train import train
        from ml.training.tune import best
        from ml.warehouse.connection import warehouse

        settings = MlSettings.load()
        found = best(settings, next(iter(studies)))
        with warehouse(settings) as engine:
            return train(settings, engine, Registry(settings), found.family, found.parameters).version

    gate(refit_best(run_trial.expand_kwargs(plan_search())))


auto_model_train_diabetes()
