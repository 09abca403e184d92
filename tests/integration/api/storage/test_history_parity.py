"""Model inputs at serving time are those of training, encounter by encounter."""

from pathlib import Path

import pandas as pd

from api.scoring.model_inputs import look_up_inputs_blocking
from api.settings import ApiSettings
from api.storage.patient_history import PatientHistory
from infra.local.postgres.cluster import PostgresServer
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.features.records import to_records
from ml.schema import ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID, Record
from ml.warehouse.datasets import read
from tests.integration.ml.databases import fresh_database, ingest_file
from tests.support.postgres import API_PASSWORD


def test_the_service_makes_the_model_inputs_of_training_for_every_encounter(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    delivered = tmp_path / "cohort.csv"
    write_csv(delivered, 1_500, seed=296)
    with fresh_database(postgres_server, tmp_path) as (settings, engine):
        ingest_file(engine, Delivery("file", delivered))
        dataset = read(engine)
        shared = settings.model_dump(include=set(ApiSettings.model_fields))
        own = {"api_db_password": API_PASSWORD, "prediction_log_key": "k" * 16, "history_timeout_seconds": 5}
        history = PatientHistory.from_settings(ApiSettings.load(_env_file=None, **(shared | own)))
        table = pd.concat([dataset.train, dataset.test])
        records: list[Record] = [
            {**{name: value for name, value in record.items() if name in FEATURE_NAMES}, **identifiers}
            for record, identifiers in zip(
                to_records(table), table[[PATIENT_ID, ENCOUNTER_ID]].to_dict("records"), strict=True
            )
        ]
        inputs = look_up_inputs_blocking(records, history)
        history.stop()

    assert set(inputs.history) == {"used"}
    assert list(inputs.records) == to_records(table)
    assert max(record["earlier_stays"] for record in inputs.records) > 1
