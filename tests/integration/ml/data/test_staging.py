"""The schema `staging`: each task of an ingestion runs on a worker that has no file of the others."""

import os
import secrets
import signal
import tempfile
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml.core.errors import DataSourceError, RejectedDataError, StaleInputError
from ml.core.names import API_ROLE
from ml.core.settings import MlSettings
from ml.data import staged_file
from ml.data.ingest import ingest, validate_delivery
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.data.sources.fetch import fetch
from ml.data.sources.file import read_chunks
from ml.data.staged_file import local_file, stage_file
from ml.data.staging import DAYS_KEPT, StagedRows, staging
from ml.schema import COLUMN_NAMES
from tests.integration.ml.databases import count, dump, fresh_database, validate_file
from tests.unit.ml.tables import write_delivery

GONE = r"^The input of this ingestion does not exist any more; .*: clear download_data with the tasks after it, or "
World = tuple[MlSettings, sa.Engine]


def staged(engine: sa.Engine) -> set[str]:
    """Tables of deliveries."""
    return {*sa.inspect(engine).get_table_names("staging")} - {"deliveries"}


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def delivery_of(folder: Path, *rows: dict[str, Any], name: str = "delivered.csv") -> Delivery:
    return Delivery("file", write_delivery(folder / name, rows))


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return delivery_of(tmp_path, {"encounter_id": 1}, {"encounter_id": 2, "gender": "x"})


def test_each_task_runs_on_a_worker_without_the_files_of_the_others(world: World, tmp_path: Path) -> None:
    settings, engine = world
    wanted = {"data_source": "synthetic", "synthetic_rows": 3_000, "prediction_log_key": settings.prediction_log_key}
    first, second = (settings.model_copy(update={**wanted, "data_dir": tmp_path / name}) for name in ("one", "two"))
    downloaded = stage_file(engine, fetch(first)).to_json()
    (tmp_path / "one").rename(tmp_path / "of another machine")
    validated = asdict(validate_delivery(second, engine, Delivery.from_json(downloaded)))
    done = load(engine, Delivery.from_json(downloaded), StagedRows(**validated))

    assert downloaded.keys() == {"source", "name", "staging_id"}
    assert (done.rows_written, done.new) == (3_000, True)
    assert not (tmp_path / "two").exists()
    assert staged(engine) == set()


@pytest.mark.parametrize("form", ["csv", "zip"])
def test_a_staged_file_is_read_as_delivered_in_parts(
    engine: sa.Engine, cohort_file: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_file, "PART_BYTES", 10_000)
    path = cohort_file
    if form == "zip":
        path = tmp_path / "encounters"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(cohort_file, "diabetic_data.csv")
    held = stage_file(engine, Delivery("file", path))

    assert count(engine, f"staging.file_{held.staging_id}") > 3
    with staging(engine, held.staging_id) as stage, local_file(stage, held) as copy:
        assert copy.name == path.name
        assert form == "csv" or copy.read_bytes() == path.read_bytes()
        assert next(read_chunks(copy)).equals(next(read_chunks(path)))
    assert not copy.exists()


def test_a_staged_file_takes_the_memory_of_a_few_parts(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged_file, "PART_BYTES", 100_000)
    path = tmp_path / "encounters.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("diabetic_data.csv", os.urandom(8_000_000))
    stage_file(engine, Delivery("file", path))  # imports and caches
    tracemalloc.start()
    try:
        held = stage_file(engine, Delivery("file", path))
        with staging(engine, held.staging_id) as stage, local_file(stage, held) as copy:
            assert copy.stat().st_size == path.stat().st_size
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_an_old_file_that_is_not_a_table_is_staged_and_refused_by_its_name(world: World, tmp_path: Path) -> None:
    settings, engine = world
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir\n")
    os.utime(path, (0, 0))  # a zip archive has no time before 1980

    with pytest.raises(DataSourceError, match=r"^letter\.txt cannot be read as csv"):
        validate_delivery(settings, engine, stage_file(engine, Delivery("file", path)))


def test_a_failed_validation_leaves_nothing(engine: sa.Engine, delivery: Delivery) -> None:
    with pytest.raises(RejectedDataError):
        validate_file(engine, delivery, max_rejected_share=0)

    assert staged(engine) == set()
    assert count(engine, "staging.deliveries") == 0


def test_a_failed_validation_leaves_the_staged_file_for_another_try(engine: sa.Engine, delivery: Delivery) -> None:
    held = stage_file(engine, delivery)
    with pytest.raises(RejectedDataError):
        validate_file(engine, held, max_rejected_share=0)

    assert staged(engine) == {f"file_{held.staging_id}"}
    assert load(engine, held, validate_file(engine, held)).rows_written == 1


def test_a_repeated_validation_replaces_the_rows_of_the_first(engine: sa.Engine, delivery: Delivery) -> None:
    held = stage_file(engine, delivery)
    first, second = (validate_file(engine, held) for _ in range(2))

    assert first == second
    assert load(engine, held, second).rows_written == 1
    assert count(engine, "rejected_rows") == 1


def test_a_load_drops_what_is_staged_and_so_does_one_of_nothing_new(engine: sa.Engine, delivery: Delivery) -> None:
    for is_new in (True, False):
        held = stage_file(engine, delivery)
        validated = validate_file(engine, held)
        assert staged(engine) == {f"{content}_{held.staging_id}" for content in ("file", "encounters", "rejected")}

        assert load(engine, held, validated).new is is_new
        assert staged(engine) == set()
        assert count(engine, "staging.deliveries") == 0


def test_a_load_that_is_repeated_after_its_commit_changes_nothing(engine: sa.Engine, delivery: Delivery) -> None:
    validated = validate_file(engine, delivery)
    first = load(engine, delivery, validated)
    before = dump(engine)

    again = load(engine, delivery, validated)  # by another try, if the worker died after the commit
    assert (again.ingestion_id, again.new) == (first.ingestion_id, False)
    assert dump(engine) == before


def test_tasks_of_an_ingestion_that_a_later_one_followed_name_the_remedy(
    engine: sa.Engine, delivery: Delivery, tmp_path: Path
) -> None:
    held = stage_file(engine, delivery)
    validated = validate_file(engine, held)
    load(engine, held, validated)
    later = delivery_of(tmp_path, {"encounter_id": 3}, name="later.csv")
    load(engine, later, validate_file(engine, later))
    before = dump(engine)

    with pytest.raises(StaleInputError, match=GONE):
        load(engine, held, validated)
    with pytest.raises(StaleInputError, match=GONE):
        validate_file(engine, held)
    assert dump(engine) == before


@pytest.mark.parametrize("lost", ["TRUNCATE {}", "DELETE FROM {} WHERE encounter_id = 1"])
def test_rows_that_were_lost_since_the_validation_are_not_loaded(engine: sa.Engine, tmp_path: Path, lost: str) -> None:
    delivery = delivery_of(tmp_path, {"encounter_id": 1}, {"encounter_id": 2})
    validated = validate_file(engine, delivery)
    execute(engine, lost.format(f"staging.encounters_{validated.staging_id}"))
    before = dump(engine)

    with pytest.raises(StaleInputError, match=GONE):
        load(engine, delivery, validated)
    assert dump(engine) == before


def test_after_a_crash_of_postgresql_validation_and_load_name_the_remedy_and_a_new_ingestion_succeeds(
    tmp_path: Path, delivery: Delivery
) -> None:
    with own_database(tmp_path) as (engine, crash):
        held = stage_file(engine, delivery)
        validated = validate_file(engine, held)
        crash()

        assert count(engine, f"staging.encounters_{held.staging_id}") == 0
        with pytest.raises(StaleInputError, match=GONE):
            load(engine, held, validated)
        with pytest.raises(StaleInputError, match=GONE):
            validate_file(engine, held)
        assert count(engine, "raw_data") == count(engine, "ingestions") == 0

        again = stage_file(engine, delivery)
        assert load(engine, again, validate_file(engine, again)).rows_written == 1


@contextmanager
def own_database(folder: Path) -> Iterator[tuple[sa.Engine, Any]]:
    """A database on a server of its own, and a function that kills the server and starts it again."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as place, ExitStack() as stack:
        server = PostgresServer(Path(place, "data"), free_port(), secrets.token_urlsafe(16))
        life = stack.enter_context(ExitStack())
        life.enter_context(running(server, Path(place, "log")))

        def crash() -> None:
            process = int((server.data_dir / "postmaster.pid").read_text().split()[0])
            engine.dispose()
            os.kill(process, signal.SIGKILL)
            life.close()
            life.enter_context(running(server, Path(place, "log")))

        _, engine = stack.enter_context(fresh_database(server, folder))
        yield engine, crash


def grow_older(engine: sa.Engine, delivery: Delivery, hours: int) -> None:
    change = "UPDATE staging.deliveries SET created_at = created_at - make_interval(hours => :hours) WHERE id = :id"
    with engine.begin() as connection:
        connection.execute(sa.text(change), {"hours": hours, "id": delivery.staging_id})


def test_what_an_interrupted_ingestion_left_is_deleted_by_a_later_one_after_two_days(
    world: World, delivery: Delivery
) -> None:
    settings, engine = world
    left = stage_file(engine, delivery)
    validate_file(engine, left)
    recent = stage_file(engine, delivery)
    wanted = settings.model_copy(update={"data_file": delivery.path, "max_rejected_share": 0.5})

    grow_older(engine, left, hours=24 * DAYS_KEPT - 1)
    ingest(wanted, engine)
    assert len(staged(engine)) == 4
    grow_older(engine, left, hours=2)
    ingest(wanted, engine)
    assert staged(engine) == {f"file_{recent.staging_id}"}
    assert count(engine, "staging.deliveries") == 1


def test_an_old_delivery_in_use_is_left_to_its_ingestion(engine: sa.Engine, delivery: Delivery) -> None:
    held = stage_file(engine, delivery)
    grow_older(engine, held, hours=24 * 365)
    with staging(engine, held.staging_id):  # as a task that has waited for two days
        other = stage_file(engine, delivery)
        assert staged(engine) == {f"file_{held.staging_id}", f"file_{other.staging_id}"}


def test_ingestions_at_the_same_time_do_not_disturb_each_other(engine: sa.Engine, tmp_path: Path) -> None:
    deliveries = [
        delivery_of(tmp_path, *({"encounter_id": 100 * place + row} for row in range(20)), name=f"{place}.csv")
        for place in range(1, 5)
    ]
    failures: list[Exception] = []

    def run(delivery: Delivery) -> None:
        try:
            held = stage_file(engine, delivery)
            load(engine, held, validate_file(engine, held))
        except Exception as error:  # noqa: BLE001  reported below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(delivery,)) for delivery in deliveries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert (count(engine, "raw_data"), count(engine, "ingestions")) == (80, 4)
    assert staged(engine) == set()


def test_a_load_does_not_wait_for_a_validation(engine: sa.Engine, delivery: Delivery) -> None:
    validated = validate_file(engine, delivery)
    with staging(engine) as slow:  # a validation that has not ended
        slow.create("encounters")
        slow.create("rejected")
        assert load(engine, delivery, validated).new
        slow.drop()
    assert count(engine, "staging.deliveries") == 0


def test_the_role_of_the_api_gets_nothing_in_the_schema(engine: sa.Engine, delivery: Delivery) -> None:
    validated = validate_file(engine, delivery)
    parameters = {"role": API_ROLE, "table": f"staging.encounters_{validated.staging_id}"}
    with engine.connect() as connection:
        may_use = sa.text("SELECT has_schema_privilege(:role, 'staging', 'USAGE, CREATE')")
        may_read = sa.text("SELECT has_table_privilege(:role, :table, 'SELECT')")
        assert not connection.scalar(may_use, parameters)
        assert not connection.scalar(may_read, parameters)


def test_staged_tables_are_unlogged_and_have_the_columns_and_types_of_the_data(
    engine: sa.Engine, delivery: Delivery
) -> None:
    validated = validate_file(engine, stage_file(engine, delivery))
    inspector = sa.inspect(engine)
    found = inspector.get_columns(f"encounters_{validated.staging_id}", "staging")
    expected = inspector.get_columns("raw_data")[: len(found)]
    kinds = "SELECT relpersistence FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relname ~ '_[0-9]+$'"

    assert [(c["name"], repr(c["type"])) for c in found] == [(c["name"], repr(c["type"])) for c in expected]
    assert [c["name"] for c in found] == list(COLUMN_NAMES)
    with engine.connect() as connection:
        assert connection.scalars(sa.text(kinds)).all() == ["u"] * 3
