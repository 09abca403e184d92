"""### Train the RandomForest

**Train** a RandomForest on `train_data`, evaluate it on `test_data`, export it to ONNX, register it in MLflow as
`challenger` → let the **gate** decide whether it becomes `production`. The API picks a new production version up
within seconds.

Starts daily, and when `ingest_diabetes` brings new data. On the same data, code and settings it ends green,
says "nothing new" and makes no new version. Before the first ingestion it is skipped.

*On failure:* the present production version keeps serving.
"""

from datetime import UTC, datetime

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from assets import training_data
from gate_task import gate
from policies import DEFAULTS


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("@daily", timezone="UTC"), assets=[training_data]),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["model"],
    doc_md=__doc__,
)
def train_models_diabetes_simple() -> None:
    """Wire :mod:`ml.training.train` and :mod:`ml.promotion.gate`."""

    @task
    def train_random_forest() -> str:
        """Fit, evaluate, export and register; returns the version's number."""
        from ml.core.errors import NoDataError
        from ml.core.settings import MlSettings
        from ml.registry.client import Registry
        from ml.training.models import RANDOM_FOREST
        from ml.training.train import train
        from ml.warehouse.connection import warehouse

        settings = MlSettings.load()
        parameters = {"n_estimators": settings.forest_trees}
        try:
            with warehouse(settings) as engine:
                return train(settings, engine, Registry(settings), RANDOM_FOREST, parameters).version
        except NoDataError as error:  # the day's run may come before the first ingestion, which starts another
            raise AirflowSkipException(str(error)) from error

    gate(train_random_forest())


train_models_diabetes_simple()
