"""### Watch the model in the field

**Detect drift**: compare the predictions of the last days with what the model in production was made of, feature by
feature (values, and how often they are known) and by its answers; the report is in MLflow, experiment
`diabetes-readmission-monitoring` → **realise quality**: how good the predictions were whose outcome is known by now,
by version and subgroup, and what to expect of those that are too young → **announce**: when there is drift, the asset
`drift` is updated, which starts `auto_model_train_diabetes` where `RETRAIN_ON_DRIFT=true`. What becomes production,
the gate alone decides.

Load tests do not count. With fewer than 100 predictions the outcome is "not enough data". Before there is a model in
production it is skipped.

*On failure:* nothing is served differently; the last findings stay, and their age tells.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronTriggerTimetable, Metadata, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from assets import drift
from policies import DEFAULTS


@dag(
    schedule=CronTriggerTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["model"],
    doc_md=__doc__,
)
def monitor_diabetes() -> None:
    """Wire the steps of :mod:`ml.monitoring.run`."""

    @task
    def detect_drift() -> dict[str, Any]:
        """Compare, and keep the findings; returns the run's number and its outcome."""
        from ml.core.errors import NoDataError
        from ml.core.settings import MlSettings
        from ml.monitoring.run import detect_drift as detect
        from ml.registry.client import Registry
        from ml.warehouse.connection import warehouse

        settings = MlSettings.load()
        try:
            with warehouse(settings) as engine:
                found = detect(settings, engine, Registry(settings))
        except NoDataError as error:  # the day's run may come before the first training
            raise AirflowSkipException(str(error)) from error
        drifted = [f"{finding.kind} {finding.feature}" for finding in found.drifted]
        return {"run_id": found.run_id, "state": str(found.state), "drifted": drifted}

    @task
    def realise_quality(outcome: dict[str, Any]) -> dict[str, Any]:
        """Measure mature predictions, and keep the figures with the run; hands on what it was given."""
        from ml.core.settings import MlSettings
        from ml.monitoring.quality import realise
        from ml.warehouse.connection import warehouse

        settings = MlSettings.load()
        with warehouse(settings) as engine:
            realise(engine, outcome["run_id"], settings)
        return outcome

    @task(outlets=[drift])
    def announce(outcome: dict[str, Any]) -> Any:
        """Update the asset `drift`; skipped when there is none."""
        if outcome["state"] != "drift":
            raise AirflowSkipException(f"nothing to announce: {outcome['state'].replace('_', ' ')}")
        yield Metadata(drift, {key: outcome[key] for key in ("run_id", "drifted")})

    announce(realise_quality(detect_drift()))


monitor_diabetes()
