"""Processor time, memory and bytes of each step of the pipeline at two sizes of synthetic data.

``python -m bench.scale.costs --rows 100000 400000``. The difference between the sizes is the cost of a row, without
what a step costs at any size. Each size has a process and a PostgreSQL of its own.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pandas as pd
import psutil
import sqlalchemy as sa

from bench.database import fresh_database, postgres
from bench.genuine import bundle_of
from bench.processes import peak_mb, processor_seconds
from bench.report import machine, print_table, write_result
from ml.core.settings import MlSettings
from ml.data.ingest import validate_delivery
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.data.sources.file import read_chunks
from ml.data.sources.synthetic import write_csv
from ml.data.split import split
from ml.data.staging import Stage
from ml.evaluation.bootstrap import evaluate
from ml.features.encoder import Encoder
from ml.features.rates import Matrix
from ml.features.tables import model_inputs, patients, target, with_history
from ml.scoring.run import Job, score_with
from ml.training.models import FAMILIES, RANDOM_FOREST, RiskModel, fit
from ml.warehouse.connection import warehouse
from ml.warehouse.datasets import read

SIZES: Final = (100_000, 400_000)
FEWEST: Final = 3_000
"""Of fewer encounters the test part is too small for a bundle."""
CHILD: Final = "--one"

Result = TypeVar("Result")


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs=2, default=SIZES, help="the sizes (default: %(default)s)")
    small, large = parser.parse_args().rows
    if not FEWEST <= small < large:
        parser.error(f"the first of --rows must be at least {FEWEST:,}, and the second larger")
    runs = []
    for rows in (small, large):
        command = [sys.executable, "-m", "bench.scale.costs", CHILD, str(rows)]
        runs.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))
        print_table(f"{rows:,} encounters", runs[-1]["steps"])
    write_result("scale_costs", {"runs": runs, "machine": machine("pandas", "scikit-learn", "xgboost-cpu")})


class Meter:
    """Runs steps and records what each one used."""

    def __init__(self, database: psutil.Process, engine: sa.Engine) -> None:
        self.steps: list[dict[str, Any]] = []
        self._database, self._engine, self._own = database, engine, psutil.Process()

    def run(self, step: str, work: Callable[[], Result]) -> Result:
        """Run a step; ``memory_mb`` is the peak of this process above what it held before."""
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before, held, started = self._used(), peak_mb(os.getpid()), time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
        own, database, log = (after - earlier for after, earlier in zip(self._used(), before, strict=True))
        figures = {"seconds": seconds, "processor_seconds": own, "postgres_processor_seconds": database}
        memory = {"memory_mb": peak_mb(os.getpid()) - held, "wal_mb": log / 1024**2}
        self.steps.append({"step": step} | {name: round(value, 3) for name, value in (figures | memory).items()})
        return result

    def _used(self) -> tuple[float, float, float]:
        with self._engine.connect() as connection:
            log = connection.scalar(sa.text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))
        database = processor_seconds(self._database)
        return processor_seconds(self._own, without=self._database), database, float(log or 0)


def measure(rows: int) -> dict[str, Any]:
    """All steps, in the order of the pipeline."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        postgres(Path(scratch)) as server,
        fresh_database(server) as settings,
        warehouse(settings) as engine,
    ):
        meter = Meter(psutil.Process().children()[0], engine)
        sizes = run_steps(meter, engine, settings, Path(scratch), rows)
        for table in ("raw_data", "train_data", "test_data", "scores"):
            with engine.connect() as connection:
                sizes[table] = size_of(connection, table)
    return {"rows": rows, "steps": meter.steps, "bytes_per_row": {name: size // rows for name, size in sizes.items()}}


def run_steps(meter: Meter, engine: sa.Engine, settings: MlSettings, folder: Path, rows: int) -> dict[str, int]:
    """Run the steps; returns the bytes of files and of the data set in memory."""
    path, bundle, models = folder / "records.csv", folder / "bundle", dict[str, RiskModel]()
    delivery = Delivery("synthetic", path)
    write_csv(path, rows, seed=1)
    bundle.mkdir()
    meter.run("read", lambda: deque(read_chunks(path), maxlen=0))
    validated = meter.run("read, validate, stage", lambda: validate_delivery(settings, engine, delivery))
    with engine.connect() as connection:
        staged = size_of(connection, Stage(connection, validated.staging_id).table("encounters").fullname)
    meter.run("load", lambda: load(engine, delivery, validated))
    meter.run("split", lambda: split(engine))
    data = meter.run("read, with history", lambda: read(engine, sys.maxsize))
    parts = (data.train, data.test)
    meter.run("history alone", lambda: [with_history(part) for part in parts])
    meter.run("encode once", lambda: encode(data.train))
    for family, about in FAMILIES.items():
        work = partial(fit, family, {}, data.parts, 1)  # threads that wait for each other use time too
        models[family] = meter.run(f"fit {about.name}, with reading and encoding", work)
    forest, outcomes, of_patients = models[RANDOM_FOREST], target(data.test), patients(data.test)
    samples = settings.bootstrap_samples
    meter.run("evaluate", lambda: evaluate(outcomes, forest.predict(data.test), of_patients, samples))
    bundle_of(forest, RANDOM_FOREST, data.train, data.version.data_version, bundle)
    meter.run("score", lambda: score_with(nullcontext(("1", bundle)), engine, Job(), "bench"))
    files = {"delivered file": path.stat().st_size, "staged": staged}
    return files | {"data set in memory": sum(int(part.memory_usage(deep=True).sum()) for part in parts)}


def size_of(connection: sa.Connection, table: str) -> int:
    """Bytes of a table with its indexes."""
    return connection.scalar(sa.select(sa.func.pg_total_relation_size(table))) or 0


def encode(table: pd.DataFrame) -> Matrix:
    """Fit the encoder and encode the table; a fit of a family encodes several masked copies."""
    inputs = model_inputs(table)
    return Encoder().fit(inputs, target(table)).transform(inputs)


if __name__ == "__main__":
    if CHILD in sys.argv:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main()
