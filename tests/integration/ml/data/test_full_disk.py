"""Ingestion while PostgreSQL's disk is full."""

import tempfile
from pathlib import Path

import pytest

from ml.core.errors import WarehouseError
from ml.data.sources.delivery import Delivery
from ml.data.sources.synthetic import write_csv
from tests.integration.ml.databases import count, fresh_database, ingest_file
from tests.support.postgres import running_postgres
from tests.support.small_disks import filled, small_disk

ROWS = 20_000


def test_ingestion_ends_with_one_sentence_changes_nothing_and_succeeds_when_there_is_space(tmp_path: Path) -> None:
    write_csv(tmp_path / "cohort.csv", ROWS, seed=5)
    delivery = Delivery("file", tmp_path / "cohort.csv")
    with (
        tempfile.TemporaryDirectory(prefix="postgres-") as folder,
        small_disk(Path(folder), 160) as disk,
        running_postgres(disk) as server,
        fresh_database(server, tmp_path) as (_, engine),
    ):
        with filled(disk), pytest.raises(WarehouseError) as refused:
            ingest_file(engine, delivery)
        assert str(refused.value) == (
            f"The disk of PostgreSQL at {server.host}:{server.port} is full, and nothing was changed: "
            "free space, then retry."
        )
        server.wait()
        assert (count(engine, "raw_data"), count(engine, "ingestions")) == (0, 0)

        ingest_file(engine, delivery)
        assert (count(engine, "raw_data"), count(engine, "ingestions")) == (ROWS, 1)
