"""### Monitor the production model

**Detect drift**: compare recent predictions with the references of the production version: the values of each feature,
how often it is known, and the scores; the report is in MLflow, experiment `diabetes-readmission-monitoring` →
**realise quality**: measure predictions with known outcomes by version and subgroup, and estimate the quality of those
that are too recent → **announce**: drift updates the asset `drift`, which starts `auto_model_train_diabetes` with
`RETRAIN_ON_DRIFT=true`. Only the gate promotes a version.

It measures the predictions up to now, so it cannot be backfilled. Load tests do not count. With fewer than 100
predictions the outcome is "not enough data". The run is skipped before the first promotion. `realise_quality` of an old
run may be cleared: it measures what was mature at the time of the run, with the outcomes known by now.

*On failure:* serving does not change; the last findings stay, and their age shows the failure. If only the report
cannot be stored in MLflow, the run succeeds and its notes say so.
"""

from typing import Any

from airflow.sdk import CronTriggerTimetable, Metadata, dag, get_current_context, task
from shared import DAG_ARGUMENTS, drift, open_registry, refuse, settings_and_engine, skip, skipped_without_data


@dag(
    schedule=CronTriggerTimetable("@daily", timezone="UTC"),
    description="Daily: compares recent predictions with the training data (drift) and with known outcomes (quality).",
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def monitor_diabetes() -> None:
    """Wire the steps of :mod:`ml.monitoring.run`."""

    @task
    def detect_drift() -> dict[str, Any]:
        """Run the drift tests and save the findings; returns run id, state and features in drift."""
        from ml.monitoring.run import detect_drift as detect

        if get_current_context()["dag_run"].run_type == "backfill":
            refuse("monitor_diabetes measures the predictions up to now and cannot be backfilled: trigger it instead.")
        with skipped_without_data(), settings_and_engine() as (settings, engine):
            run = detect(settings, engine, open_registry(settings))
        drifted = [f"{finding.kind} {finding.feature}" for finding in run.drifted]
        return {"run_id": run.run_id, "state": str(run.state), "drifted": drifted}

    @task
    def realise_quality(outcome: dict[str, Any]) -> dict[str, Any]:
        """Measure matured predictions and save the metrics with the run; returns its input."""
        from ml.monitoring.quality import measure_quality

        with settings_and_engine() as (settings, engine):
            measure_quality(engine, outcome["run_id"], settings)
        return outcome

    @task(outlets=[drift])
    def announce(outcome: dict[str, Any]) -> Any:
        """Update the asset `drift`; skipped without drift."""
        if outcome["state"] != "drift":
            skip(f"nothing to announce: {outcome['state'].replace('_', ' ')}")
        yield Metadata(drift, {key: outcome[key] for key in ("run_id", "drifted")})

    announce(realise_quality(detect_drift()))


monitor_diabetes()
