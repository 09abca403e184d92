"""Loading encounters into PostgreSQL: complete, idempotent, atomic."""

import io
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer
from ml.core.errors import ProvenanceError, RejectedDataError, WarehouseError
from ml.core.settings import MlSettings
from ml.data.ingest import ingest
from ml.data.load import Ingested, load
from ml.data.sources.delivery import Delivery
from ml.data.sources.file import read_chunks
from ml.data.split import split
from ml.schema import CANNOT_BE_READMITTED, COLUMN_NAMES
from ml.warehouse.connection import copy_in, copy_out, transaction
from ml.warehouse.datasets import read
from ml.warehouse.tables import ingestions
from tests.integration.ml.databases import count, dump, ingest_file, load_file, validate_file
from tests.unit.ml.tables import as_read, write_delivery

World = tuple[MlSettings, sa.Engine]


def delivery_of(folder: Path, *rows: dict[str, Any], kind: Any = "file") -> Delivery:
    folder.mkdir(exist_ok=True, parents=True)
    return Delivery(kind, write_delivery(folder / f"{kind}.csv", rows))


def load_rows(engine: sa.Engine, folder: Path, *rows: dict[str, Any], kind: Any = "file") -> Ingested:
    return load_file(engine, delivery_of(folder, *rows, kind=kind))


def change(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def stored(engine: sa.Engine, column: str) -> dict[int, Any]:
    with engine.connect() as connection:
        query = sa.text(f'SELECT encounter_id, "{column}" FROM raw_data ORDER BY 1')  # noqa: S608
        return {row[0]: row[1] for row in connection.execute(query)}


def test_read_returns_the_loaded_encounters(engine: sa.Engine, cohort_file: Path, tmp_path: Path) -> None:
    ingest_file(engine, Delivery("synthetic", cohort_file))
    dataset = read(engine)
    together = pd.concat([dataset.train, dataset.test]).sort_values("encounter_id", ignore_index=True)

    delivered = as_read(cohort_file)
    pd.testing.assert_frame_equal(together.astype(delivered.dtypes), delivered)
    assert set(together["A1Cresult"]) >= {"None", "Norm"}
    assert together["weight"].isna().mean() > 0.9


def test_all_fifty_columns_are_stored_as_delivered(engine: sa.Engine, cohort_file: Path, tmp_path: Path) -> None:
    load_file(engine, Delivery("synthetic", cohort_file))
    names = ", ".join(f'"{name}"' for name in COLUMN_NAMES)
    with (tmp_path / "out.csv").open("wb") as stream, transaction(engine) as connection:
        copy_out(connection, f"SELECT {names} FROM raw_data ORDER BY encounter_id", stream.write)  # noqa: S608
    out = pd.read_csv(tmp_path / "out.csv", dtype="str", keep_default_na=False, na_values=[""])

    pd.testing.assert_frame_equal(out, next(read_chunks(cohort_file)).reset_index(drop=True))


def test_the_same_file_twice_changes_nothing(engine: sa.Engine, cohort_file: Path, tmp_path: Path) -> None:
    first = load_file(engine, Delivery("synthetic", cohort_file))
    split(engine)
    before = dump(engine)
    again = load_file(engine, Delivery("synthetic", cohort_file))
    same = split(engine)

    assert first.new
    assert again == Ingested(first.ingestion_id, 0, new=False)
    assert not same.new
    assert dump(engine) == before


def test_the_same_rows_in_another_order_change_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    rows = [{"encounter_id": number, "patient_nbr": number} for number in range(1, 30)]
    load_rows(engine, tmp_path, *rows)

    assert not load_rows(engine, tmp_path, *reversed(rows)).new


def test_the_same_valid_rows_with_new_invalid_ones_reach_the_rejected_rows(engine: sa.Engine, tmp_path: Path) -> None:
    valid = {"encounter_id": 1, "patient_nbr": 1}
    first = load_rows(engine, tmp_path, valid)
    version = split(engine).data_version
    second = load_rows(engine, tmp_path, valid, {"encounter_id": 2, "gender": "x"})

    assert (second.new, second.rows_written) == (True, 0)
    assert second.ingestion_id != first.ingestion_id
    assert count(engine, "rejected_rows", f"ingestion_id = {second.ingestion_id}") == 1
    assert split(engine).data_version == version
    assert not load_rows(engine, tmp_path, {"encounter_id": 2, "gender": "x", "patient_nbr": 11}, valid).new


def test_a_changed_row_updates_only_itself(engine: sa.Engine, tmp_path: Path) -> None:
    rows = [{"encounter_id": number} for number in (1, 2, 3)]
    first = load_rows(engine, tmp_path, *rows)
    changed = load_rows(engine, tmp_path, rows[0], {**rows[1], "race": "Asian"}, rows[2])

    assert (changed.new, changed.rows_written) == (True, 1)
    assert stored(engine, "race")[2] == "Asian"
    assert stored(engine, "ingestion_id") == {1: first.ingestion_id, 2: changed.ingestion_id, 3: first.ingestion_id}


def test_a_correction_keeps_the_time_of_the_first_ingestion(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1})
    before = stored(engine, "ingested_at")
    load_rows(engine, tmp_path, {"encounter_id": 1, "race": "Asian"}, {"encounter_id": 2, "patient_nbr": 11})
    after = stored(engine, "ingested_at")

    assert after[1] == before[1]
    assert after[2] > before[1]


def test_a_value_that_becomes_unknown_or_known_counts_as_changed(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1, "race": None}, {"encounter_id": 2, "race": "Asian"})
    changed = load_rows(engine, tmp_path, {"encounter_id": 1, "race": "Other"}, {"encounter_id": 2, "race": None})

    assert changed.rows_written == 2
    assert stored(engine, "race") == {1: "Other", 2: None}


def test_a_later_file_adds_its_encounters(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1}, {"encounter_id": 2})
    added = load_rows(engine, tmp_path, {"encounter_id": 2, "patient_nbr": 11}, {"encounter_id": 3, "patient_nbr": 12})

    assert added.rows_written == 1
    assert set(stored(engine, "race")) == {1, 2, 3}


def test_rejected_rows_are_stored_with_reason_and_content(engine: sa.Engine, tmp_path: Path) -> None:
    done = load_rows(engine, tmp_path, {}, {}, {"gender": 'a "b", \\c'}, {"age": "old"})
    with engine.connect() as connection:
        query = "SELECT row_number, reason, record, ingestion_id FROM rejected_rows ORDER BY 1"
        rows = connection.execute(sa.text(query)).all()

    assert [row.row_number for row in rows] == [3, 4]
    assert rows[0].reason.startswith("gender is 'a \"b\", \\\\c', expected one of")
    assert rows[0].record["gender"] == 'a "b", \\c'
    assert {row.ingestion_id for row in rows} == {done.ingestion_id}
    assert count(engine, "raw_data") == 2


def test_too_many_invalid_rows_change_nothing(world: World, tmp_path: Path) -> None:
    settings, engine = world
    load_rows(engine, tmp_path / "sound", {"encounter_id": 1})
    split(engine)
    before = dump(engine)
    broken = delivery_of(tmp_path / "broken", {}, {"gender": "x"}, {})

    with pytest.raises(RejectedDataError, match="1 of 3 rows"):
        ingest(settings.model_copy(update={"data_source": "file", "data_file": broken.path}), engine)

    assert dump(engine) == before


def test_a_failed_load_changes_nothing_and_can_be_repeated(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path / "earlier", {"encounter_id": 1})
    delivery = delivery_of(tmp_path, {"encounter_id": 1, "race": "Asian"}, {"gender": "x"})
    validated = validate_file(engine, delivery)
    change(engine, "ALTER TABLE rejected_rows ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    before = dump(engine)

    with pytest.raises(sa.exc.IntegrityError, match="full_up"):
        load(engine, delivery, validated)
    assert dump(engine) == before

    change(engine, "ALTER TABLE rejected_rows DROP CONSTRAINT full_up")
    assert load(engine, delivery, validated).rows_written == 1


def test_a_broken_connection_is_one_sentence_and_changes_nothing(
    engine: sa.Engine, postgres_server: PostgresServer
) -> None:
    before = dump(engine)

    with pytest.raises(WarehouseError, match="does not answer") as caught:
        copy_over_a_broken_connection(engine, postgres_server)

    assert "\n" not in str(caught.value)
    assert dump(engine) == before


def copy_over_a_broken_connection(engine: sa.Engine, server: PostgresServer) -> None:
    with transaction(engine) as connection, closing(server.connect()) as superuser, superuser.cursor() as cursor:
        new = ingestions.insert().values(
            source="uci", provenance="real", content_sha256="x", rows_accepted=1, rows_rejected=0, rows_written=1
        )
        connection.execute(new)
        cursor.execute("SELECT pg_terminate_backend(%s)", (connection.scalar(sa.select(sa.func.pg_backend_pid())),))
        copy_in(connection, "raw_data", COLUMN_NAMES, io.BytesIO(b"1,2\n"))


def test_synthetic_encounters_never_join_real_ones(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1})
    before = dump(engine)

    with pytest.raises(ProvenanceError, match="synthetic ones never replace them: set DATA_SOURCE"):
        load_rows(engine, tmp_path, {"encounter_id": 2}, kind="synthetic")

    assert dump(engine) == before


def test_real_encounters_replace_synthetic_ones(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1}, {"encounter_id": 2}, kind="synthetic")
    split(engine)
    done = load_rows(engine, tmp_path, {"encounter_id": 2}, {"encounter_id": 3})
    outcome = split(engine)

    assert done.rows_written == 2
    assert set(stored(engine, "race")) == {2, 3}
    assert outcome.provenance == "real"
    assert read(engine).version.provenance == "real"


def test_real_encounters_replace_synthetic_ones_of_the_same_content(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1}, kind="synthetic")
    done = load_rows(engine, tmp_path, {"encounter_id": 1})

    assert done.new
    assert split(engine).provenance == "real"


def test_a_second_synthetic_cohort_replaces_the_first(engine: sa.Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, {"encounter_id": 1}, {"encounter_id": 2}, kind="synthetic")
    load_rows(engine, tmp_path, {"encounter_id": 3}, kind="synthetic")

    assert set(stored(engine, "race")) == {3}


def test_the_cohort_excludes_death_and_hospice(engine: sa.Engine, tmp_path: Path) -> None:
    codes = [*sorted(CANNOT_BE_READMITTED), 1, 6]
    ingest_file(engine, delivery_of(tmp_path, *({"discharge_disposition_id": code} for code in codes)))
    dataset = read(engine)

    assert count(engine, "raw_data") == len(codes)
    kept = pd.concat([dataset.train, dataset.test])
    assert sorted(kept["discharge_disposition_id"]) == [1, 6]
