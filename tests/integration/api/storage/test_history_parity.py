"""History at serving time is the history that models are trained on, encounter by encounter."""

from pathlib import Path

import pandas as pd

from api.settings import ApiSettings
from api.storage.patient_history import USED, History, connection_options, patients_of, recall
from infra.local.postgres.cluster import PostgresServer
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from ml.features.records import to_records
from ml.schema import ENCOUNTER_ID, FEATURE_NAMES, PATIENT_ID, Record
from ml.warehouse.datasets import read
from tests.integration.ml.databases import fresh_database, ingest_file


def test_the_service_finds_for_every_encounter_what_training_saw(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    delivered = tmp_path / "cohort.csv"
    write_csv(delivered, 1_500, seed=296)
    with fresh_database(postgres_server, tmp_path) as (settings, engine):
        ingest_file(engine, Delivery("file", delivered), tmp_path)
        dataset = read(engine)
        given = settings.model_dump(include=set(ApiSettings.model_fields))
        login = ApiSettings.load(_env_file=None, **(given | {"prediction_log_key": "k" * 16}))
        history = History(connection_options(login), limit_seconds=5)
        table = pd.concat([dataset.train, dataset.test])
        asked: list[Record] = [
            {**{name: value for name, value in record.items() if name in FEATURE_NAMES}, **identifiers}
            for record, identifiers in zip(
                to_records(table), table[[PATIENT_ID, ENCOUNTER_ID]].to_dict("records"), strict=True
            )
        ]
        found = history.find_blocking(patients_of(asked))
        history.stop()

    recalled = [recall(record, found) for record in asked]
    assert {state for _, state in recalled} == {USED}
    assert [inputs for inputs, _ in recalled] == to_records(table)
    assert max(inputs["earlier_stays"] for inputs, _ in recalled) > 1
