"""``POST /predict/csv`` of the whole genuine file with the history of its patients, beside the bare graph.

``python -m bench.serving.csv_files [FILE]`` loads the file into ``raw_data``, and sends the same file to the service.
"""

import json
import os
import statistics
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from bench.database import API_PASSWORD, fresh_database, postgres
from bench.genuine import data_file
from bench.report import machine, print_table, write_result
from bench.serving.model import BUNDLE, RECORDS, prepare
from bench.serving.peers.launch import OURS, Peer, launchers, running
from ml.core.bundle import CHUNK, encode, load_bundle
from ml.core.proxies import bypass_proxy
from ml.core.settings import MlSettings
from ml.data.ingest import validate_delivery
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.warehouse.connection import warehouse

FOLDER: Final = Path(".local") / "bench" / "serving" / "full"
ROUNDS: Final = 3


def main() -> None:
    """Measure, print and write the result."""
    file, folder = data_file(), FOLDER.resolve()
    bypass_proxy()
    prepare(file, folder, quick=False)
    content = genuine_csv(file)
    with (
        tempfile.TemporaryDirectory() as scratch,
        postgres(Path(scratch)) as server,
        fresh_database(server) as settings,
    ):
        with warehouse(settings) as engine:
            delivery = Delivery("file", file)
            load(engine, delivery, validate_delivery(settings, engine, delivery))
        launcher = launchers(folder, environment_of(settings), None)[OURS]
        with running(launcher, folder, pinned=False) as service:
            runs = [scored(service, content) for _ in range(ROUNDS)]
    seconds = statistics.median(run["seconds"] for run in runs)
    graph = graph_rows_per_second(folder)
    result = {
        "rows": runs[0]["rows"],
        "seconds": seconds,
        "rows_per_second": round(runs[0]["rows"] / seconds),
        "graph_rows_per_second": round(graph),
        "ratio": round(runs[0]["rows"] / seconds / graph, 3),
        "runs": runs,
    }
    print_table("The genuine file through POST /predict/csv", [{k: v for k, v in result.items() if k != "runs"}])
    write_result("csv_files", {**result, "machine": machine("onnxruntime", "psycopg2-binary")})


def genuine_csv(file: Path) -> bytes:
    """The file of the encounters in the archive."""
    if not zipfile.is_zipfile(file):
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        name = next(name for name in archive.namelist() if name.endswith("diabetic_data.csv"))
        return archive.read(name)


def environment_of(settings: MlSettings) -> dict[str, str]:
    """How the service reaches the database."""
    names = ("postgres_host", "postgres_port", "diabetes_db_name")
    return {name.upper(): str(getattr(settings, name)) for name in names} | {"API_DB_PASSWORD": API_PASSWORD}


def scored(service: Peer, content: bytes) -> dict[str, Any]:
    """Send the file and read the answer to its end."""
    before, started, lines = service.cpu_seconds(), time.perf_counter(), 0
    headers = {"Content-Type": "text/csv"}
    with httpx.stream("POST", f"{service.url}/predict/csv", content=content, headers=headers, timeout=600) as response:
        response.raise_for_status()
        for piece in response.iter_bytes():
            lines += piece.count(b"\r\n")
    return {
        "rows": lines - 1,
        "seconds": round(time.perf_counter() - started, 2),
        "processor_seconds": round(service.cpu_seconds() - before, 2),
        "memory_mb": service.pss_mb(),
    }


def graph_rows_per_second(folder: Path) -> float:
    """Rows per second of the graph on arrays that are ready, in blocks as large as those of the service."""
    bundle = load_bundle(folder / BUNDLE)
    inputs = encode(json.loads((folder / RECORDS).read_text()))
    rows, seconds = len(inputs["numbers"]), []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for start in range(0, rows, CHUNK):
            bundle.run({name: np.ascontiguousarray(part[start : start + CHUNK]) for name, part in inputs.items()})
        seconds.append(time.perf_counter() - started)
    return rows / statistics.median(seconds)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
