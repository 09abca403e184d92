"""Ingestion of the genuine file compared with ``DataFrame.to_sql`` of the same rows.

``python -m bench.ingestion [FILE]`` runs both in turn on a PostgreSQL of its own. Ingestion is reading, validation,
loading and splitting.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa

from bench.database import fresh_database, postgres
from bench.genuine import data_file
from bench.report import machine, print_table, write_result
from infra.local.postgres.cluster import PostgresServer
from ml.core.settings import MlSettings
from ml.data.ingest import validate_delivery
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.data.sources.file import read_chunks
from ml.data.split import split
from ml.data.validation import check
from ml.schema import COLUMN_NAMES
from ml.warehouse.connection import warehouse

ROUNDS: Final = 3
LIMIT: Final = 0.25
"""Largest accepted ratio of the time of ingestion to that of ``to_sql``."""

OURS, TO_SQL = "ours: read, validate, load, split", "DataFrame.to_sql"


def main() -> None:
    """Measure, print and write the result; exits with 1 above the limit."""
    file = data_file()
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as server:
        result = measure(server, file, ROUNDS)
    result["machine"] = machine("pandas", "pandera", "pyarrow", "psycopg2-binary", "sqlalchemy")
    print_table(f"Ingesting {result['rows']:,} rows, median seconds", [result["median_seconds"]])
    write_result("ingestion", result)
    sys.exit(result["ratio_to_to_sql"] > LIMIT)


def measure(server: PostgresServer, file: Path, rounds: int) -> dict[str, Any]:
    """Run both in turn, each on a fresh database, so that noise of the machine affects both."""
    frame = pd.concat([check(chunk, pd.Index([], dtype="int64"))[0] for chunk in read_chunks(file)])
    runs: dict[str, Callable[[MlSettings, sa.Engine], int]] = {
        OURS: lambda settings, engine: ingest(settings, engine, Delivery("file", file)),
        TO_SQL: lambda _, engine: write(frame, engine),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            with fresh_database(server) as settings, warehouse(settings) as engine:
                started = time.perf_counter()
                rows = run(settings, engine)
                seconds[name].append(round(time.perf_counter() - started, 2))
            if rows != len(frame):
                raise RuntimeError(f"{name} wrote {rows} rows in place of {len(frame)}")
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = round(medians[OURS] / medians[TO_SQL], 3)
    return {
        "rows": len(frame), "median_seconds": medians, "seconds": seconds, "ratio_to_to_sql": ratio, "limit": LIMIT
    }  # fmt: skip


def ingest(settings: MlSettings, engine: sa.Engine, delivery: Delivery) -> int:
    """Ingest a file; returns the number of rows written."""
    ingested = load(engine, delivery, validate_delivery(settings, engine, delivery))
    split(engine)
    return ingested.rows_written


def write(frame: pd.DataFrame, engine: sa.Engine) -> int:
    """Write a frame with pandas; returns the number of rows written."""
    frame[list(COLUMN_NAMES)].to_sql("encounters", engine, index=False)
    with engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM encounters")).scalar_one())


if __name__ == "__main__":
    main()
