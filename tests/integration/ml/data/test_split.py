"""The split in PostgreSQL: equal to the split in Python, by patient, atomic."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from ml.core.errors import NoDataError, SplitError
from ml.data import split as split_module
from ml.data.sources.delivery import Delivery
from ml.data.split import _BUCKET, bucket, split
from ml.warehouse.datasets import read
from tests.integration.ml.databases import dump, ingest_file, load_file
from tests.unit.ml.tables import write_delivery


def test_python_and_sql_agree_on_every_bucket(engine: sa.Engine) -> None:
    generator = np.random.default_rng(0)
    patients = [1, 2**63 - 1, *generator.integers(1, 2**62, 5_000).tolist(), *range(2, 5_000)]
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TEMP TABLE people (patient_nbr bigint)"))
        connection.execute(sa.text("INSERT INTO people SELECT unnest(:patients)"), {"patients": patients})
        found = connection.exec_driver_sql(f"SELECT patient_nbr, {_BUCKET} FROM people").all()  # noqa: S608

    assert [row for row in found if bucket(row[0]) != row[1]] == []
    assert len(found) == len(patients)


def test_patients_are_disjoint_and_a_fifth_are_tested(engine: sa.Engine, cohort_file: Path, tmp_path: Path) -> None:
    outcome = ingest_file(engine, Delivery("synthetic", cohort_file))
    dataset = read(engine)

    assert set(dataset.train["patient_nbr"]).isdisjoint(dataset.test["patient_nbr"])
    assert (len(dataset.train), len(dataset.test)) == (outcome.train_rows, outcome.test_rows)
    assert outcome.test_rows / (outcome.test_rows + outcome.train_rows) == pytest.approx(0.2, abs=0.05)


def test_a_patient_in_both_tables_fails_and_changes_nothing(
    engine: sa.Engine, cohort_file: Path, tmp_path: Path
) -> None:
    load_file(engine, Delivery("synthetic", cohort_file))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO train_data SELECT * FROM test_data LIMIT 1; RETURN NULL; END $$;"
            "CREATE TRIGGER leak AFTER INSERT ON test_data FOR EACH STATEMENT EXECUTE FUNCTION leak()"
        )
    before = dump(engine)

    with pytest.raises(SplitError, match=r"^1 patients are in both train_data and test_data; nothing was changed\.$"):
        split(engine)

    assert dump(engine) == before


def test_equal_data_have_an_equal_version(engine: sa.Engine, tmp_path: Path) -> None:
    row, other = {"encounter_id": 1, "patient_nbr": 1}, {"encounter_id": 2, "patient_nbr": 2}
    versions = [
        ingest_file(engine, Delivery("file", write_delivery(tmp_path / "delivered.csv", rows))).data_version
        for rows in ([row], [{**row, "race": "Asian"}, other], [row, other], [other, row])
    ]

    assert len(set(versions[:3])) == 3
    assert versions[3] == versions[2]


def test_the_same_rule_on_the_same_encounters_splits_nothing_again(engine: sa.Engine, tmp_path: Path) -> None:
    first = ingest_file(engine, Delivery("file", write_delivery(tmp_path / "delivered.csv", [{}, {}])))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE RULE no_split AS ON DELETE TO train_data DO INSTEAD NOTHING")

    assert split(engine) == replace(first, new=False)


@pytest.mark.parametrize(
    ("name", "value"), [("TEST_PERCENT", 50), ("CANNOT_BE_READMITTED", frozenset({1, 3})), ("CANNOT_BE_READMITTED", ())]
)
def test_another_rule_splits_the_same_encounters_again(
    engine: sa.Engine, cohort_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    delivery = Delivery("synthetic", cohort_file)
    first = ingest_file(engine, delivery)
    monkeypatch.setattr(split_module, name, value)
    second = ingest_file(engine, delivery)
    dataset = read(engine)

    assert second.new
    assert second.data_version != first.data_version
    assert (len(dataset.train), len(dataset.test)) == (second.train_rows, second.test_rows)
    assert dataset.version.data_version == second.data_version
    assert split(engine) == replace(second, new=False)
    monkeypatch.undo()
    assert split(engine) == first


def test_an_installed_split_is_made_once_more_and_is_not_new_if_it_is_the_same(
    engine: sa.Engine, cohort_file: Path, tmp_path: Path
) -> None:
    first = ingest_file(engine, Delivery("synthetic", cohort_file))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ingestions SET split_rule = NULL")

    assert split(engine) == replace(first, new=False)
    with engine.begin() as connection:  # as a migration that corrects raw data would
        connection.exec_driver_sql("UPDATE raw_data SET race = 'Asian'; UPDATE ingestions SET split_rule = NULL")
    again = split(engine)
    assert (again.new, again.data_version != first.data_version) == (True, True)


def test_a_split_without_encounters_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(NoDataError, match=r"^There are no encounters yet: run ingest_diabetes"):
        split(engine)
