"""Compares ``python -m ml score`` with the bare graph on arrays that are ready, in one process.

``python -m bench.scoring [FILE] [ROWS]`` trains a RandomForest on the genuine data and scores synthetic encounters of
every form, a tenth of the rows and all of them. It reads the peak memory of each run.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from bench.database import fresh_database, postgres
from bench.genuine import bundle_of, data_file, load_genuine
from bench.processes import peak_mb
from bench.report import machine, print_table, write_result
from ml.core.bundle import CHUNK, encode, load_bundle
from ml.core.settings import MlSettings
from ml.data.ingest import validate_delivery
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.data.sources.file import read_chunks
from ml.data.sources.synthetic import write_csv
from ml.features.records import to_records
from ml.features.tables import with_history
from ml.schema import COLUMNS
from ml.scoring.run import Job, score_with
from ml.training.models import RANDOM_FOREST, fit
from ml.warehouse.connection import warehouse
from ml.warehouse.datasets import DTYPES

ROWS: Final = 1_000_000
GRAPH_SECONDS: Final = 10.0
SAMPLE_SECONDS: Final = 0.5
CHILD: Final = "--one"
FORMS: Final = {
    "raw_data to scores": ("raw_data", "scores"),
    "raw_data to Parquet": ("raw_data", "{folder}/of-table"),
    "CSV to Parquet": ("{folder}/records.csv", "{folder}/of-csv"),
    "Parquet to Parquet": ("{folder}/records.parquet", "{folder}/of-parquet"),
}


def main() -> None:
    """Measure, print and write the result."""
    file, rows = data_file(), int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
    with tempfile.TemporaryDirectory() as scratch, postgres(Path(scratch)) as server:
        bundle = Path(scratch, "bundle")
        train(file, bundle)
        runs = []
        for count in (rows // 10, rows):
            folder = Path(scratch, str(count))
            folder.mkdir()
            with fresh_database(server) as settings:
                prepare(settings, folder, count)
                runs += [measure(settings, folder, bundle, name) for name in FORMS]
    graph = runs[-1]["bare graph"]
    print_table(f"Rows per second; the bare graph: {graph:,.0f}", runs)
    write_result("scoring", {"runs": runs, "machine": machine("onnxruntime", "pyarrow", "psycopg2-binary")})


def train(file: Path, bundle: Path) -> None:
    """Train a forest with default parameters on the genuine data."""
    data = load_genuine(file)
    bundle.mkdir()
    model = fit(RANDOM_FOREST, {}, data.train, os.cpu_count() or 1)
    bundle_of(model, RANDOM_FOREST, data.test, data.version, bundle)


def prepare(settings: MlSettings, folder: Path, rows: int) -> None:
    """Synthetic encounters as a CSV file, a Parquet file and rows of ``raw_data``."""
    path = folder / "records.csv"
    write_csv(path, rows, seed=1)
    with warehouse(settings) as engine:
        delivery = Delivery("synthetic", path)
        load(engine, delivery, validate_delivery(settings, engine, delivery))
    writer = None
    for chunk in read_chunks(path):
        types = {column.name: "Int64" if column.is_number else "str" for column in COLUMNS}
        table = pa.Table.from_pandas(chunk.astype(types), preserve_index=False)
        writer = writer or pq.ParquetWriter(folder / "records.parquet", table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def measure(settings: MlSettings, folder: Path, bundle: Path, name: str) -> dict[str, Any]:
    """Score in a process of its own, because a peak of memory is that of a process."""
    source, target = (text.format(folder=folder) for text in FORMS[name])
    names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
    login = {key.upper(): str(getattr(settings, key)) for key in names}
    login["DIABETES_DB_PASSWORD"] = settings.diabetes_db_password.get_secret_value()
    command = [sys.executable, "-m", "bench.scoring", CHILD, str(bundle), str(folder / "records.csv"), source, target]
    done = subprocess.run(command, env=os.environ | login, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = {"form": name, **json.loads(done.stdout)}
    return result


def one(bundle: Path, records: Path, source: str, target: str) -> None:
    """Score, then run the bare graph, and print the figures as JSON."""
    with warehouse(MlSettings.load(_env_file=None)) as engine:
        with ThreadPoolExecutor(1) as pool:
            scoring = pool.submit(score_with, nullcontext(("1", bundle)), engine, Job(source, target), "bench")
            sandbox = 0
            while not scoring.done():
                sandbox = max([sandbox, *(peak_mb(child.pid) for child in psutil.Process().children())])
                time.sleep(SAMPLE_SECONDS)
        done, scorer = scoring.result(), peak_mb(os.getpid())
    graph = bare_graph(bundle, records)
    figures = {"rows": done.rows, "rows per second": done.rows_per_second, "bare graph": round(graph, 1)}
    figures |= {"ratio": round(done.rows_per_second / graph, 3), "peak MB": scorer}
    print(json.dumps(figures | {"peak MB of the sandbox": sandbox, "invalid": done.invalid}))


def bare_graph(bundle: Path, records: Path) -> float:
    """Rows per second of the graph on arrays that are ready, in calls as large as those of every scorer, one thread."""
    table = with_history(next(read_chunks(records, 5_000)).astype(DTYPES))
    inputs = encode(to_records(table))
    chunks = [
        {name: values[start : start + CHUNK] for name, values in inputs.items()}
        for start in range(0, len(table) - CHUNK + 1, CHUNK)
    ]
    graph, calls, started = load_bundle(bundle), 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < GRAPH_SECONDS:
        graph.run(chunks[calls % len(chunks)])
        calls += 1
    return calls * CHUNK / seconds


if __name__ == "__main__":
    if CHILD in sys.argv:
        one(Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
    else:
        main()
