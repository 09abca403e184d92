"""### Ingest the encounters

Brings the data of `DATA_SOURCE` into PostgreSQL: **download** → **validate** (rows that break the schema go to
`rejected_rows`; too many of them fail the run) → **load** into `raw_data` → **split** into `train_data` and
`test_data` by patient.

Running it again on the same data changes nothing. When there is a new data version, the asset `training-data`
is updated, which starts `train_models_diabetes_simple`.

*On failure:* the error is one sentence at the end of the task's log; yesterday's data stay in place.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronTriggerTimetable, Metadata, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from assets import training_data
from policies import DEFAULTS


@dag(
    schedule=CronTriggerTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["data"],
    doc_md=__doc__,
)
def ingest_diabetes() -> None:
    """Wire the steps of :mod:`ml.data.ingest`."""

    @task
    def download_data() -> dict[str, Any]:
        """Fetch the data set, or find the kept copy of it."""
        from ml.core.settings import MlSettings
        from ml.data.sources.fetch import fetch

        return fetch(MlSettings.load()).to_json()

    @task
    def validate(delivery: dict[str, Any]) -> dict[str, Any]:
        """Check every value against the schema; sound and broken rows go to two files."""
        from ml.core.settings import MlSettings
        from ml.data.ingest import validate_delivery
        from ml.data.sources.delivery import Delivery

        return validate_delivery(MlSettings.load(), Delivery.from_json(delivery)).to_json()

    @task
    def load_raw_data(delivery: dict[str, Any], validated: dict[str, Any]) -> int:
        """Load the sound rows by COPY, in one transaction; returns the ingestion's number."""
        from ml.core.settings import MlSettings
        from ml.data.ingest import load_and_clean
        from ml.data.sources.delivery import Delivery
        from ml.data.validation import Validated
        from ml.warehouse.connection import warehouse

        with warehouse(MlSettings.load()) as engine:
            return load_and_clean(engine, Delivery.from_json(delivery), Validated.from_json(validated)).ingestion_id

    @task
    def split(ingestion_id: int) -> dict[str, Any]:
        """Rebuild train and test data, patients apart, in one transaction."""
        from dataclasses import asdict

        from ml.core.settings import MlSettings
        from ml.data.split import split as rebuild
        from ml.warehouse.connection import warehouse

        with warehouse(MlSettings.load()) as engine:
            return {"ingestion_id": ingestion_id, **asdict(rebuild(engine))}

    @task(outlets=[training_data])
    def announce(outcome: dict[str, Any]) -> Any:
        """Update the asset `training-data`; skipped when there is nothing new."""
        if not outcome["new"]:
            raise AirflowSkipException(f"nothing new: data version {outcome['data_version'][:12]} was there already")
        yield Metadata(training_data, {key: outcome[key] for key in ("data_version", "train_rows", "test_rows")})

    delivery = download_data()
    announce(split(load_raw_data(delivery, validate(delivery))))


ingest_diabetes()
