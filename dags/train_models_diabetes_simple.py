"""### Train the RandomForest

**Train** a RandomForest on `train_data`, evaluate it on `test_data`, export it to ONNX, register it in MLflow as
`challenger` → run the **gate**, which decides on promotion to `production`. The API loads a new production version
within seconds. → Make the **report** of the version.

Starts daily, and when `ingest_diabetes` creates a new data version. On the same data, code and parameters it succeeds
with "nothing new" and makes no new version. The run is skipped before the first ingestion.

*On failure:* the present production version keeps serving.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from shared import DAG_ARGUMENTS, gate, open_registry, report, settings_and_engine, skipped_without_data, training_data

SCHEDULE = AssetOrTimeSchedule(timetable=CronTriggerTimetable("@daily", timezone="UTC"), assets=[training_data])


@dag(
    schedule=SCHEDULE,
    description="Daily and after new data: trains a RandomForest; the gate decides whether it becomes production.",
    tags=["model"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def train_models_diabetes_simple() -> None:
    """Wire :mod:`ml.training.train`, :mod:`ml.promotion.gate` and :mod:`ml.report.write`."""

    @task
    def train_random_forest() -> str:
        """Fit, evaluate, export and register; returns the version number."""
        from ml.training.models import RANDOM_FOREST
        from ml.training.train import train

        with skipped_without_data(), settings_and_engine() as (settings, engine):
            parameters = {"n_estimators": settings.forest_trees}
            return train(settings, engine, open_registry(settings), RANDOM_FOREST, parameters).version

    version = train_random_forest()
    gate(version) >> report(version)


train_models_diabetes_simple()
