"""### Ingest the encounters

Loads the data of `DATA_SOURCE` into PostgreSQL: **download** → **validate** (rows that violate the schema go to
`rejected_rows`; too many of them fail the run) → **load** into `raw_data` → **split** into `train_data` and
`test_data` by patient.

A second run on the same data changes nothing. A data version that was not announced yet updates the asset
`training-data`, which starts `train_models_diabetes_simple`.

*On failure:* the last line of the task's log states the error; the data of the last run stay in place.
"""

from typing import Any

from airflow.sdk import CronTriggerTimetable, Metadata, dag, get_current_context, task
from shared import DAG_ARGUMENTS, settings_and_engine, skip, training_data


@dag(
    schedule=CronTriggerTimetable("@daily", timezone="UTC"),
    description="Daily: loads the encounters and splits them by patient; new data start train_models_diabetes_simple.",
    tags=["data"],
    doc_md=__doc__,
    **DAG_ARGUMENTS,
)
def ingest_diabetes() -> None:
    """Wire the steps of :mod:`ml.data.ingest`."""

    @task
    def download_data() -> dict[str, Any]:
        """Fetch the data set or reuse this worker's copy, and store it in PostgreSQL for the next task."""
        from ml.data.sources.fetch import fetch
        from ml.data.staged_file import stage_file

        with settings_and_engine() as (settings, engine):
            return stage_file(engine, fetch(settings)).to_json()

    @task
    def validate(delivery: dict[str, Any]) -> dict[str, Any]:
        """Validate every value against the schema; valid and rejected rows go to two tables of the schema `staging`."""
        from dataclasses import asdict

        from ml.data.ingest import validate_delivery
        from ml.data.sources.delivery import Delivery

        with settings_and_engine() as (settings, engine):
            return asdict(validate_delivery(settings, engine, Delivery.from_json(delivery)))

    @task
    def load_raw_data(delivery: dict[str, Any], validated: dict[str, Any]) -> int:
        """Load the valid rows in one transaction, which drops what is staged; returns the ingestion id."""
        from ml.data.load import load
        from ml.data.sources.delivery import Delivery
        from ml.data.staging import StagedRows

        with settings_and_engine() as (_, engine):
            return load(engine, Delivery.from_json(delivery), StagedRows(**validated)).ingestion_id

    @task
    def split(ingestion_id: int) -> dict[str, Any]:
        """Rebuild train and test data, split by patient, in one transaction."""
        from dataclasses import asdict

        from ml.data.split import split as rebuild

        with settings_and_engine() as (_, engine):
            return {"ingestion_id": ingestion_id, **asdict(rebuild(engine))}

    @task(inlets=[training_data], outlets=[training_data])
    def announce(outcome: dict[str, Any]) -> Any:
        """Update the asset `training-data`; skipped if its last event announced this data version."""
        # Not whether the split was new: a try that died after its commit has announced nothing.
        last = get_current_context()["inlet_events"][training_data].ascending(False).limit(1)
        if any((event.extra or {}).get("data_version") == outcome["data_version"] for event in last):
            skip(f"nothing new: data version {outcome['data_version'][:12]} is announced already")
        yield Metadata(training_data, {key: outcome[key] for key in ("data_version", "train_rows", "test_rows")})

    delivery = download_data()
    announce(split(load_raw_data(delivery, validate(delivery))))


ingest_diabetes()
