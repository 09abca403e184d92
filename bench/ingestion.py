"""How long the ingestion of the genuine file takes, beside a bare ``DataFrame.to_sql`` of the same rows.

``python -m bench.ingestion [FILE]`` starts a PostgreSQL of its own, runs both in turn, prints a table and writes
``bench/results/ingestion.json``. Ours is all of it: read, validate, load, split. Theirs is ``to_sql`` alone.
"""

import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from infra.local.postgres.cluster import PostgresServer, running
from infra.local.supervision.probes import free_port
from ml import migrations
from ml.core.settings import MlSettings
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.data.sources.file import read_chunks
from ml.data.split import split
from ml.data.validation import check, validate
from ml.schema import COLUMN_NAMES
from ml.warehouse.connection import warehouse

RESULT: Final = Path(__file__).parent / "results" / "ingestion.json"
ROUNDS: Final = 3
LIMIT: Final = 0.25
"""Largest share of ``to_sql``'s time that ours may take."""

OURS, THEIRS = "ours: read, validate, load, split", "DataFrame.to_sql"
_ROLE: Final = "bench"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds of each round by contender, and the rows that each of them wrote."""

    rows: int
    seconds: dict[str, list[float]]

    def median(self, contender: str) -> float:
        """Median seconds of a contender."""
        return statistics.median(self.seconds[contender])

    @property
    def ratio(self) -> float:
        """Our time over the time of ``to_sql``."""
        return self.median(OURS) / self.median(THEIRS)


def main() -> None:
    """Measure, print and write the result; exit with 1 when the limit is missed."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DATA_FILE")
    if not given:
        sys.exit("Name the genuine data set: python -m bench.ingestion FILE, or set DATA_FILE.")
    with tempfile.TemporaryDirectory() as folder, _postgres(Path(folder)) as server:
        outcome = measure(server, Path(given), Path(folder), ROUNDS)
    RESULT.write_text(json.dumps(as_json(outcome), indent=2) + "\n")
    Console().print(as_table(outcome))
    sys.exit(outcome.ratio > LIMIT)


def measure(server: PostgresServer, file: Path, folder: Path, rounds: int) -> Outcome:
    """Run both in turn, each on a fresh database, so that a slow moment of the machine hits all alike."""
    frame = pd.concat([check(chunk, pd.Index([], dtype="int64"))[0] for chunk in read_chunks(file)])
    runs: dict[str, Callable[[sa.Engine], int]] = {
        OURS: lambda engine: ingest(engine, file, folder / "validated"),
        THEIRS: lambda engine: write(frame, engine),
    }
    seconds: dict[str, list[float]] = {contender: [] for contender in runs}
    for _ in range(rounds):
        for contender, run in runs.items():
            with fresh_database(server) as engine:
                started = time.perf_counter()
                rows = run(engine)
                seconds[contender].append(time.perf_counter() - started)
            if rows != len(frame):
                raise RuntimeError(f"{contender} wrote {rows} rows in place of {len(frame)}")
    return Outcome(len(frame), seconds)


def ingest(engine: sa.Engine, file: Path, directory: Path) -> int:
    """All that an ingestion does with a file; returns the rows written."""
    validated = validate(read_chunks(file), directory, max_rejected_share=0)
    ingested = load(engine, Delivery("file", file), validated)
    split(engine)
    return ingested.rows_written


def write(frame: pd.DataFrame, engine: sa.Engine) -> int:
    """What a notebook would do; returns the rows written."""
    frame[list(COLUMN_NAMES)].to_sql("encounters", engine, index=False)
    with engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM encounters")).scalar_one())


def _postgres(folder: Path) -> AbstractContextManager[PostgresServer]:
    """A PostgreSQL with its data in `folder` and the settings of the native stack."""
    server = PostgresServer(folder / "postgres", free_port(), secrets.token_urlsafe(16))
    return running(server, folder / "postgres.log")


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[sa.Engine]:
    """An engine on a migrated database without rows, dropped afterwards."""
    name, password = f"bench_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    server.ensure_database(name, _ROLE, password)
    settings = MlSettings.load(
        _env_file=None,
        postgres_host=server.host,
        postgres_port=server.port,
        diabetes_db_name=name,
        diabetes_db_user=_ROLE,
        diabetes_db_password=password,
    )
    try:
        with warehouse(settings) as engine:
            migrations.upgrade(engine)
            yield engine
    finally:
        server.drop_database(name)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The result with the machine it was measured on."""
    return {
        "rows": outcome.rows,
        "median_seconds": {name: round(outcome.median(name), 2) for name in outcome.seconds},
        "seconds": {name: [round(value, 2) for value in values] for name, values in outcome.seconds.items()},
        "ratio_to_to_sql": round(outcome.ratio, 3),
        "limit": LIMIT,
        "machine": machine("pandas", "pandera", "pyarrow", "psycopg2-binary", "sqlalchemy"),
    }


def as_table(outcome: Outcome) -> Table:
    """The result as people read it."""
    table = Table("what", "median seconds", "rows per second", "of to_sql", title=f"Ingesting {outcome.rows:,} rows")
    for name in outcome.seconds:
        median = outcome.median(name)
        table.add_row(name, f"{median:.1f}", f"{outcome.rows / median:,.0f}", f"{median / outcome.median(THEIRS):.2f}")
    return table


if __name__ == "__main__":
    main()
