"""### Search for the best model

**Plan** a search over RandomForest and gradient boosting → run its **trials** in parallel as mapped tasks over one
Optuna study in PostgreSQL, each scored by patient-grouped cross-validation on `train_data` → **refit** the best on
all of `train_data` and register it as `challenger` → run the **gate** → make the **report** of the version.

The test patients are not used before the refit. A second run on the same data and code finds the finished trials and
makes no new version. The run is skipped before the first ingestion. It starts weekly and, with
`RETRAIN_ON_DRIFT=true`, when `monitor_diabetes` finds drift; such a run is skipped while the training data are those of
a finished search, because only newer encounters can answer drift.

*On failure:* a failed trial is retried alone; the present production version keeps serving.
"""

from datetime import timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task
from shared import DAG_ARGUMENTS, drift, gate, open_registry, report, settings_and_engine, skip, skipped_without_data


def _schedule() -> CronTriggerTimetable | AssetOrTimeSchedule:
    from ml.core.settings import MonitorSettings

    weekly = CronTriggerTimetable("@weekly", timezone="UTC")
    if not MonitorSettings.load().retrain_on_drift:
        return weekly
    return AssetOrTimeSchedule(timetable=weekly, assets=[drift])


@dag(
    schedule=_schedule(),
    description="Weekly: searches for a better model; the gate decides whether the best one becomes production.",
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def auto_model_train_diabetes() -> None:
    """Wire :mod:`ml.training.tune`, :mod:`ml.training.train`, :mod:`ml.promotion.gate` and :mod:`ml.report.write`."""

    @task
    def plan_search() -> list[dict[str, str | int]]:
        """Create or load the study; returns one entry per trial. Skipped if drift asks for a search that is done."""
        from ml.training.tune import known_result, plan

        is_drift = bool(get_current_context()["triggering_asset_events"])
        with skipped_without_data(), settings_and_engine() as (settings, engine):
            if is_drift and (version := known_result(settings, engine, open_registry(settings))):
                skip(
                    f"nothing new: drift, but the training data are those of version {version}, the result of the same "
                    "search; ingest newer encounters with their outcomes"
                )
            search = plan(settings, engine)
        return [{"study": search.study, "slot": slot} for slot in search.slots]

    @task(
        execution_timeout=timedelta(hours=1),
        doc_md="Run one trial of the search.",  # Airflow ignores the docstring of a mapped task
    )
    def run_trial(study: str, slot: int) -> str:
        """Run one trial of the search; returns the name of the study."""
        from ml.training.tune import run_trials

        with settings_and_engine() as (settings, engine):
            list(run_trials(settings, engine, study, [slot]))
        return study

    @task
    def refit_best(studies: list[str]) -> str:
        """Fit the best parameters on all training data and register the model; returns the version number."""
        from ml.training.train import train
        from ml.training.tune import best

        with settings_and_engine() as (settings, engine):
            trial = best(settings, next(iter(studies)))
            return train(settings, engine, open_registry(settings), trial.family, trial.parameters).version

    version = refit_best(run_trial.expand_kwargs(plan_search()))
    gate(version) >> report(version)


auto_model_train_diabetes()
