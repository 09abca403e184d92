"""Train and test data as they are read for training: their types, and a sample of many test encounters."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.data.sources.delivery import Delivery
from ml.features.tables import patients
from ml.schema import COLUMNS
from ml.warehouse.datasets import DTYPES, Dataset, read
from tests.integration.ml.databases import fresh_database, ingest_file


@pytest.fixture(scope="module")
def engine(
    postgres_server: PostgresServer, cohort_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    folder = tmp_path_factory.mktemp("datasets")
    with fresh_database(postgres_server, folder) as (_settings, engine):
        ingest_file(engine, Delivery("synthetic", cohort_file))
        yield engine


@pytest.fixture(scope="module")
def dataset(engine: sa.Engine) -> Dataset:
    return read(engine)


def test_texts_are_categories_of_the_schema(dataset: Dataset) -> None:
    for table in (dataset.train, dataset.test):
        for column in COLUMNS:
            given = table[column.name].dtype
            expected = DTYPES[column.name]
            assert given == expected or (not column.allowed and given == "category"), column.name
            assert column.is_number or set(table[column.name].dropna()) <= set(column.allowed or table[column.name])
        assert table["previous_diagnosis"].dtype == table["diag_1"].dtype


def test_few_test_encounters_are_read_completely(dataset: Dataset) -> None:
    assert (len(dataset.train), len(dataset.test)) == (dataset.version.train_rows, dataset.version.test_rows)


def test_of_many_encounters_those_of_some_patients_are_read(dataset: Dataset, engine: sa.Engine) -> None:
    half = dataset.version.test_rows // 2
    sampled, again = read(engine, half), read(engine, half)

    assert len(sampled.test) == pytest.approx(dataset.version.test_rows / 2, rel=0.15)
    pd.testing.assert_frame_equal(again.test, sampled.test)
    assert len(sampled.train) == pytest.approx(half, rel=0.15)
    of_sampled = dataset.test[pd.Series(patients(dataset.test)).isin(patients(sampled.test)).to_numpy()]
    pd.testing.assert_frame_equal(
        sampled.test,
        of_sampled.reset_index(drop=True),
        check_categorical=False,
        obj="whole patients, with their history",
    )
    assert sampled.version == dataset.version
